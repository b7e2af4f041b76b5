//! Which slots (rows of numbers per run) a state has.

use super::slot;
use crate::choices::{Optimizer, Schedule};

/// The slots that a state has. The weights and the weights before the last update are always present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSet {
    /// Whether the state has [`slot::FIRST_MOMENT`].
    pub first_moment: bool,
    /// Whether the state has [`slot::SECOND_MOMENT`].
    pub second_moment: bool,
    /// Whether the state has [`slot::EPOCH_START`] and [`slot::ANCHOR`], which the bold driver returns to.
    pub anchors: bool,
}

impl SlotSet {
    /// The set of all slots.
    pub const ALL: Self = Self { first_moment: true, second_moment: true, anchors: true };
    /// The minimum: only the slots that every run needs.
    pub const LEAST: Self = Self { first_moment: false, second_moment: false, anchors: false };

    /// The slots that an optimizer and a schedule need.
    pub fn of(optimizer: &Optimizer, schedule: &Schedule) -> Self {
        let needs = optimizer.needs();
        Self {
            first_moment: needs.first_moment,
            second_moment: needs.second_moment,
            anchors: matches!(schedule, Schedule::BoldDriver { .. }),
        }
    }

    fn has(self, slot: usize) -> bool {
        match slot {
            slot::FIRST_MOMENT => self.first_moment,
            slot::SECOND_MOMENT => self.second_moment,
            slot::EPOCH_START | slot::ANCHOR => self.anchors,
            _ => true,
        }
    }

    /// The index of `slot` (see [`slot`]) among the slots that are present; `None` if it is absent.
    pub fn place(self, slot: usize) -> Option<usize> {
        self.has(slot).then(|| (0..slot).filter(|before| self.has(*before)).count())
    }

    /// Number of slots that are present.
    pub fn count(self) -> usize {
        (0..slot::COUNT).filter(|slot| self.has(*slot)).count()
    }

    /// Names and values of the constants by which kernels locate slots. An absent slot has the index of the
    /// weights, and is neither read nor written.
    pub(super) fn constants(self) -> [(&'static str, u32); 9] {
        let place = |slot: usize| self.place(slot).unwrap_or(slot::WEIGHT) as u32;
        [
            ("SLOT_WEIGHT", place(slot::WEIGHT)),
            ("SLOT_FIRST_MOMENT", place(slot::FIRST_MOMENT)),
            ("SLOT_SECOND_MOMENT", place(slot::SECOND_MOMENT)),
            ("SLOT_PREVIOUS", place(slot::PREVIOUS)),
            ("SLOT_EPOCH_START", place(slot::EPOCH_START)),
            ("SLOT_ANCHOR", place(slot::ANCHOR)),
            ("SLOT_COUNT", self.count() as u32),
            ("HAS_FIRST_MOMENT", u32::from(self.first_moment)),
            ("HAS_SECOND_MOMENT", u32::from(self.second_moment)),
        ]
    }
}

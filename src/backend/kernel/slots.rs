//! Which slots a state has.

use super::slot;
use crate::choices::{Optimizer, Schedule};

/// The slots of a state. The weights and those before the last update are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSet {
    /// [`slot::FIRST_MOMENT`].
    pub first_moment: bool,
    /// [`slot::SECOND_MOMENT`].
    pub second_moment: bool,
    /// [`slot::EPOCH_START`] and [`slot::ANCHOR`], which the bold driver returns to.
    pub anchors: bool,
}

impl SlotSet {
    /// Every slot.
    pub const ALL: Self = Self { first_moment: true, second_moment: true, anchors: true };
    /// Only what every run needs.
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

    /// The place of a slot among those that are there; `None` if it is not.
    pub fn place(self, slot: usize) -> Option<usize> {
        self.has(slot).then(|| (0..slot).filter(|before| self.has(*before)).count())
    }

    /// Number of slots.
    pub fn count(self) -> usize {
        (0..slot::COUNT).filter(|slot| self.has(*slot)).count()
    }

    /// The constants by which kernels find slots. One that is not there has the place of the weights, and is neither
    /// read nor written.
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

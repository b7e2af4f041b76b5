//! Reads Apache Parquet: one row group after the other, a few thousand rows at a time.
//!
//! Numbers, decimals and timestamps become numbers and dates; strings, dictionaries, `true` and
//! `false` become words. A value in a group becomes a column `outer.inner`. Lists and maps are not
//! supported.

use std::sync::Arc;

use bytes::Bytes;
use downhill::message::{Code, Message, Result};
use downhill_tables::batch::{BATCH_VALUES, Batch, Cells, Reader, Step};
use downhill_tables::source::{Cursor, Source};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{AsBytes, DataType, Int96};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescriptor;

use crate::pages::{PagesError, pages_of};

/// Reads a Parquet file.
pub struct Parquet<S> {
    file: Arc<File<S>>,
    metadata: ParquetMetaData,
    meanings: Vec<Meaning>,
    /// The next row group.
    group: usize,
    /// The readers of the current row group, one per column.
    readers: Vec<ColumnReader>,
    /// The number of remaining rows in it.
    n_left: usize,
    n_read: u64,
    begun: bool,
}

/// The meaning of the values in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Signed,
    Unsigned,
    /// Integers in units of this size.
    Parts(f64),
    Half,
    /// Days since 1970-01-01.
    Date,
    /// A time since 1970-01-01, with this many units per day.
    Stamp(f64),
    Word,
}

impl<S: Source + Send + Sync + 'static> Parquet<S> {
    /// Opens a file by reading its footer.
    ///
    /// # Errors
    /// [`Code::FileDamaged`], [`Code::ColumnNested`].
    pub fn new(source: S) -> Result<Self> {
        let file = Arc::new(File { source: Arc::new(source) });
        let metadata =
            ParquetMetaDataReader::new().parse_and_finish(&*file).map_err(|error| damaged(&error))?;
        let mut meanings = Vec::new();
        for column in metadata.file_metadata().schema_descr().columns() {
            if column.max_rep_level() > 0 {
                let name = column.path().parts().first().cloned().unwrap_or_default();
                return Err(Message::new(Code::ColumnNested).with("column", name));
            }
            meanings.push(Meaning::of(column));
        }
        Ok(Self {
            file,
            metadata,
            meanings,
            group: 0,
            readers: Vec::new(),
            n_left: 0,
            n_read: 0,
            begun: false,
        })
    }

    /// Opens the next row group that has rows; returns whether there was one.
    fn open_group(&mut self) -> Result<bool> {
        while self.n_left == 0 {
            let Some(group) = self.metadata.row_groups().get(self.group) else { return Ok(false) };
            self.group += 1;
            self.n_left = usize::try_from(group.num_rows()).map_err(|error| damaged(&error))?;
            self.readers.clear();
            for chunk in group.columns() {
                let pages =
                    pages_of(Arc::clone(&self.file), chunk, self.n_left).map_err(|error| match error {
                        PagesError::File(error) => damaged(&error),
                        PagesError::Codec(codec) => Message::new(Code::ColumnCompression)
                            .with("column", chunk.column_path().string())
                            .with("codec", codec),
                    })?;
                self.readers.push(get_column_reader(chunk.column_descr_ptr(), pages));
            }
        }
        Ok(true)
    }
}

impl<S: Source + Send + Sync + 'static> Reader for Parquet<S> {
    fn next(&mut self) -> Result<Step> {
        let schema = self.metadata.file_metadata().schema_descr_ptr();
        let columns = schema.columns();
        if !self.begun {
            self.begun = true;
            return Ok(Step::Columns(columns.iter().map(|column| column.path().string()).collect()));
        }
        let n_columns = columns.len();
        if n_columns == 0 || !self.open_group()? {
            return Ok(Step::End);
        }
        let n = (BATCH_VALUES / n_columns).max(1).min(self.n_left);
        let mut batch = Batch::new(n_columns);
        for (j, (reader, cells)) in self.readers.iter_mut().zip(&mut batch.columns).enumerate() {
            let whole = columns[j].max_def_level();
            let n_found = read(reader, n, whole, self.meanings[j], cells).map_err(|error| damaged(&error))?;
            if n_found != n || cells.len() != n {
                return Err(damaged(&"a column ends before the others"));
            }
        }
        batch.lines = (self.n_read + 1..=self.n_read + n as u64).collect();
        self.n_read += n as u64;
        self.n_left -= n;
        Ok(Step::Rows(batch))
    }

    fn fraction(&self) -> f64 {
        self.n_read as f64 / self.metadata.file_metadata().num_rows().max(1) as f64
    }
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Self {
        let millisecond = 1.0 / 86_400e3;
        let per = |unit: &TimeUnit, milliseconds: f64| match unit {
            TimeUnit::MILLIS => milliseconds,
            TimeUnit::MICROS => milliseconds / 1e3,
            TimeUnit::NANOS => milliseconds / 1e6,
        };
        let decimal = |scale: i32| Self::Parts(10_f64.powi(scale));
        let is_number = !matches!(column.physical_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        match column.logical_type_ref() {
            Some(LogicalType::Decimal(decimals)) => return decimal(decimals.scale),
            Some(LogicalType::Float16) => return Self::Half,
            Some(LogicalType::Date) => return Self::Date,
            Some(LogicalType::Timestamp(stamp)) => return Self::Stamp(per(&stamp.unit, millisecond)),
            // A time of day becomes a number of seconds.
            Some(LogicalType::Time(time)) => return Self::Parts(1.0 / per(&time.unit, 1e-3)),
            Some(LogicalType::Integer(integer)) if !integer.is_signed => return Self::Unsigned,
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::DECIMAL => decimal(column.type_scale()),
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIMESTAMP_MILLIS => Self::Stamp(millisecond),
            ConvertedType::TIMESTAMP_MICROS => Self::Stamp(millisecond / 1e3),
            ConvertedType::TIME_MILLIS => Self::Parts(1e3),
            ConvertedType::TIME_MICROS => Self::Parts(1e6),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Self::Unsigned,
            _ if is_number => Self::Signed,
            _ => Self::Word,
        }
    }

    /// Pushes an integer.
    fn push_whole(self, value: i128, cells: &mut Cells) {
        match self {
            Self::Parts(parts) => cells.push_number(value as f64 / parts),
            Self::Date => cells.push_date(value as f64),
            Self::Stamp(days) => cells.push_date(value as f64 * days),
            _ => cells.push_number(value as f64),
        }
    }

    /// Pushes a byte string.
    fn push_bytes(self, bytes: &[u8], cells: &mut Cells) {
        match (self, bytes) {
            (Self::Half, [low, high]) => {
                cells.push_number(downhill_tables::npy::half(u16::from_le_bytes([*low, *high])));
            }
            (Self::Parts(_), _) if !bytes.is_empty() && bytes.len() <= 16 => {
                // Big-endian two's complement.
                let sign = if bytes[0] < 0x80 { 0 } else { -1 };
                let value = bytes.iter().fold(sign, |value: i128, byte| (value << 8) | i128::from(*byte));
                self.push_whole(value, cells);
            }
            _ => cells.push_word(&String::from_utf8_lossy(bytes)),
        }
    }
}

/// Reads the next `n` rows of a column; returns how many there were.
fn read(
    reader: &mut ColumnReader,
    n: usize,
    whole: i16,
    meaning: Meaning,
    cells: &mut Cells,
) -> parquet::errors::Result<usize> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => read_typed(reader, n, whole, cells, |value, cells| {
            cells.push_word(if *value { "true" } else { "false" })
        }),
        ColumnReader::Int32ColumnReader(reader) => read_typed(reader, n, whole, cells, |value, cells| {
            let unsigned = meaning == Meaning::Unsigned;
            let value = if unsigned { value.cast_unsigned().into() } else { i128::from(*value) };
            meaning.push_whole(value, cells);
        }),
        ColumnReader::Int64ColumnReader(reader) => read_typed(reader, n, whole, cells, |value, cells| {
            let unsigned = meaning == Meaning::Unsigned;
            let value = if unsigned { value.cast_unsigned().into() } else { i128::from(*value) };
            meaning.push_whole(value, cells);
        }),
        ColumnReader::Int96ColumnReader(reader) => {
            read_typed(reader, n, whole, cells, |value, cells| cells.push_date(days_of(value)))
        }
        ColumnReader::FloatColumnReader(reader) => {
            read_typed(reader, n, whole, cells, |value, cells| cells.push_number((*value).into()))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            read_typed(reader, n, whole, cells, |value, cells| cells.push_number(*value))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            read_typed(reader, n, whole, cells, |value, cells| meaning.push_bytes(value.as_bytes(), cells))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            read_typed(reader, n, whole, cells, |value, cells| meaning.push_bytes(value.as_bytes(), cells))
        }
    }
}

/// Reads rows of a column with a physical type; `whole` is the definition level of a present value.
fn read_typed<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n: usize,
    whole: i16,
    cells: &mut Cells,
    push: impl Fn(&T::T, &mut Cells),
) -> parquet::errors::Result<usize> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut n_found = 0;
    while n_found < n {
        let (n_more, ..) = reader.read_records(n - n_found, Some(&mut levels), None, &mut values)?;
        if n_more == 0 {
            break;
        }
        n_found += n_more;
    }
    // A required column has no levels.
    if levels.is_empty() {
        values.iter().for_each(|value| push(value, cells));
        return Ok(n_found);
    }
    let mut values = values.iter();
    for level in levels {
        match if level == whole { values.next() } else { None } {
            Some(value) => push(value, cells),
            None => cells.push_missing(),
        }
    }
    Ok(n_found)
}

/// Converts a timestamp of Impala or old Spark versions, a Julian day with nanoseconds, to days
/// since 1970-01-01.
fn days_of(stamp: &Int96) -> f64 {
    let [low, high, day] = [0, 1, 2].map(|i| stamp.data().get(i).copied().unwrap_or(0));
    let nanoseconds = u64::from(low) | (u64::from(high) << 32);
    f64::from(day) - 2_440_588.0 + nanoseconds as f64 / 86_400e9
}

fn damaged(detail: &dyn std::fmt::Display) -> Message {
    let detail = detail.to_string();
    // The crate's own errors begin with their category.
    let detail = detail.strip_prefix("Parquet error: ").unwrap_or(&detail);
    Message::new(Code::FileDamaged).with("format", "Parquet").with("detail", detail)
}

/// Adapts a source to the crate's reader traits.
struct File<S> {
    source: Arc<S>,
}

impl<S: Source> Length for File<S> {
    fn len(&self) -> u64 {
        self.source.size()
    }
}

impl<S: Source + Send + Sync> ChunkReader for File<S> {
    type T = Cursor<Arc<S>>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(Cursor::new(Arc::clone(&self.source), start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let ends = start.checked_add(length as u64);
        if ends.is_none_or(|end| end > self.source.size()) {
            return Err(ParquetError::EOF("a part extends past the end of the file".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.source.read_at(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

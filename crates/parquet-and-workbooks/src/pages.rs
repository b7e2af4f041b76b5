//! Decompresses and validates the pages of a Parquet file.
//!
//! The crate `parquet` bundles compressors with its decompressors, and needs a C compiler for
//! Zstandard. So columns are declared uncompressed to it, and their pages pass through pure
//! decompressors here on their way to its column reader. That reader trusts the pages and panics on
//! inconsistent ones, so inconsistent pages are rejected here.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;

use crate::delta;

/// The maximum bytes of a decompressed page; writers make pages of about a megabyte.
const MAX_PAGE_BYTES: u64 = 1 << 28;

/// Appended after the last string: an impossible length, which stops a reader that asks for more
/// strings than there are.
const NO_LENGTH: &[u8] = &[0xFF, 0xFF, 0xFF, 0x7F];

/// A compression that is decompressed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Gzip,
    Zstandard,
    Brotli,
}

/// Returns a reader for the pages of a column in a row group, or the name of its compression if
/// that is not supported.
pub(crate) fn pages_of<R: ChunkReader + 'static>(
    file: Arc<R>,
    chunk: &ColumnChunkMetaData,
    n_rows: usize,
) -> std::result::Result<Box<dyn PageReader>, PagesError> {
    let codec = match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::LZ4 | Compression::LZ4_RAW => None,
        Compression::GZIP(_) => Some(Codec::Gzip),
        Compression::ZSTD(_) => Some(Codec::Zstandard),
        Compression::BROTLI(_) => Some(Codec::Brotli),
        other => return Err(PagesError::Codec(format!("{other:?}").to_lowercase())),
    };
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let end = start.checked_add(chunk.compressed_size());
    let is_inside = |place: i64| u64::try_from(place).is_ok_and(|place| place <= file.len());
    if !is_inside(start) || chunk.compressed_size() < 0 || !end.is_some_and(is_inside) {
        return Err(damaged("a column extends past the end of the file").into());
    }
    let chunk = chunk.clone();
    let chunk = match codec {
        Some(_) => chunk.into_builder().set_compression(Compression::UNCOMPRESSED).build()?,
        None => chunk,
    };
    let packed = SerializedPageReader::new(file, &chunk, n_rows, None)?;
    Ok(Box::new(Pages { packed, codec, column: chunk.column_descr_ptr(), has_dictionary: false }))
}

/// Why pages cannot be read.
#[derive(Debug)]
pub(crate) enum PagesError {
    /// The compression is not supported.
    Codec(String),
    /// The file is inconsistent.
    File(ParquetError),
}

impl From<ParquetError> for PagesError {
    fn from(error: ParquetError) -> Self {
        Self::File(error)
    }
}

struct Pages<R: ChunkReader> {
    packed: SerializedPageReader<R>,
    codec: Option<Codec>,
    column: ColumnDescPtr,
    has_dictionary: bool,
}

impl<R: ChunkReader> Pages<R> {
    fn take(&mut self, page: Page) -> Result<Page> {
        Ok(match page {
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                self.has_dictionary = true;
                let buf = self.unpack(buf, 0)?;
                let (buf, _) = self.check_values(buf, 0, Encoding::PLAIN)?;
                Page::DictionaryPage { buf, num_values, encoding, is_sorted }
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => {
                let buf = self.unpack(buf, 0)?;
                let n_levels = self.level_bytes(&buf, num_values, def_level_encoding)?;
                let (buf, encoding) = self.check_values(buf, n_levels, encoding)?;
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    statistics,
                }
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            } => {
                // The levels before the values are never compressed.
                let n_levels = (def_levels_byte_len as usize).saturating_add(rep_levels_byte_len as usize);
                if num_nulls > num_values {
                    return Err(damaged("a page has more gaps than values"));
                }
                let buf = if is_compressed { self.unpack(buf, n_levels)? } else { buf };
                let (buf, encoding) = self.check_values(buf, n_levels, encoding)?;
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed: false,
                    statistics,
                }
            }
        })
    }

    /// Decompresses a page after its first `n_plain` bytes.
    fn unpack(&self, page: Bytes, n_plain: usize) -> Result<Bytes> {
        let Some(codec) = self.codec else { return Ok(page) };
        let Some((plain, packed)) = page.split_at_checked(n_plain) else {
            return Err(damaged("a page is shorter than its levels"));
        };
        // A page of missing values only is empty and not compressed.
        if packed.is_empty() {
            return Ok(page);
        }
        let mut unpacked = plain.to_vec();
        codec.unpack(packed, &mut unpacked)?;
        Ok(unpacked.into())
    }

    /// Returns the number of bytes of the levels at the beginning of a version 1 page.
    fn level_bytes(&self, page: &[u8], n_values: u32, encoding: Encoding) -> Result<usize> {
        if self.column.max_def_level() == 0 {
            return Ok(0);
        }
        if encoding == Encoding::RLE {
            let length = page.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
            return length
                .and_then(|length| length.checked_add(4))
                .ok_or_else(|| damaged("a page has no levels"));
        }
        let bits = u64::from(16 - self.column.max_def_level().cast_unsigned().leading_zeros());
        Ok((u64::from(n_values) * bits).div_ceil(8) as usize)
    }

    /// Validates the values after the levels and converts them to an encoding whose reader checks
    /// their number.
    fn check_values(&self, page: Bytes, n_levels: usize, encoding: Encoding) -> Result<(Bytes, Encoding)> {
        let Some((levels, values)) = page.split_at_checked(n_levels) else {
            return Err(damaged("a page is shorter than its levels"));
        };
        match encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if !self.has_dictionary => {
                Err(damaged("a column has no dictionary"))
            }
            Encoding::PLAIN if self.column.physical_type() == Type::BYTE_ARRAY => {
                let mut rest = values;
                while !rest.is_empty() {
                    let length = rest.split_first_chunk();
                    let after =
                        length.and_then(|(length, rest)| rest.get(u32::from_le_bytes(*length) as usize..));
                    rest = after.ok_or_else(|| damaged("a word is longer than its page"))?;
                }
                Ok(([levels, values, NO_LENGTH].concat().into(), encoding))
            }
            Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY => {
                let with_lengths = self.column.physical_type() == Type::BYTE_ARRAY;
                let mut plain = levels.to_vec();
                let mut words = match encoding {
                    Encoding::DELTA_BYTE_ARRAY => delta::with_prefixes(values),
                    _ => delta::with_lengths(values),
                }
                .ok_or_else(|| damaged("the text of a page cannot be separated"))?;
                while let Some(word) = words.next() {
                    if with_lengths {
                        plain.extend_from_slice(&(word.len() as u32).to_le_bytes());
                    } else if Ok(word.len()) != usize::try_from(self.column.type_length()) {
                        return Err(damaged("a word has a wrong length"));
                    }
                    plain.extend_from_slice(word);
                    if plain.len() as u64 > MAX_PAGE_BYTES {
                        return Err(damaged("a page has more than 256 MB"));
                    }
                }
                if with_lengths {
                    plain.extend_from_slice(NO_LENGTH);
                }
                Ok((plain.into(), Encoding::PLAIN))
            }
            Encoding::DELTA_BINARY_PACKED => {
                let n_bytes = if self.column.physical_type() == Type::INT32 { 4 } else { 8 };
                let numbers = delta::packed(&mut &*values);
                let numbers = numbers.ok_or_else(|| damaged("the numbers of a page cannot be separated"))?;
                let mut plain = levels.to_vec();
                for number in numbers {
                    plain.extend_from_slice(&number.to_le_bytes()[..n_bytes]);
                }
                Ok((plain.into(), Encoding::PLAIN))
            }
            Encoding::BYTE_STREAM_SPLIT => {
                let n_bytes = match self.column.physical_type() {
                    Type::INT32 | Type::FLOAT => 4,
                    Type::INT64 | Type::DOUBLE => 8,
                    Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(self.column.type_length())?,
                    _ => 0,
                };
                if n_bytes == 0 || !values.len().is_multiple_of(n_bytes) {
                    return Err(damaged("a page is split incorrectly"));
                }
                let n_values = values.len() / n_bytes;
                let mut plain = levels.to_vec();
                for i in 0..n_values {
                    plain.extend((0..n_bytes).map(|stream| values[stream * n_values + i]));
                }
                Ok((plain.into(), Encoding::PLAIN))
            }
            _ => Ok((page, encoding)),
        }
    }
}

impl<R: ChunkReader> Iterator for Pages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Pages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.packed.get_next_page()?.map(|page| self.take(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.packed.skip_next_page()
    }
}

impl Codec {
    /// Appends the decompressed bytes.
    fn unpack(self, packed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let limit = MAX_PAGE_BYTES + 1;
        match self {
            Self::Gzip => flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(out)?,
            Self::Brotli => {
                brotli_decompressor::Decompressor::new(packed, 4096).take(limit).read_to_end(out)?
            }
            Self::Zstandard => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(packed);
                let decoder = decoder.map_err(|error| ParquetError::General(error.to_string()))?;
                decoder.take(limit).read_to_end(out)?
            }
        };
        if out.len() as u64 > MAX_PAGE_BYTES {
            return Err(damaged("a page has more than 256 MB"));
        }
        Ok(())
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

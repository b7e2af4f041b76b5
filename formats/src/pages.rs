//! Pages of a Parquet file, unpacked.
//!
//! What the crate `parquet` unpacks it also packs, and for Zstandard it needs a compiler of C. Here a column is told to be
//! not compressed, and its pages are unpacked by decoders alone on their way to the column's reader.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

/// Bytes of a page at most, unpacked: writers make pages of about a megabyte.
const MAX_PAGE_BYTES: u64 = 1 << 28;

/// How the pages of a column are to be unpacked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Gzip,
    Zstandard,
    Brotli,
}

/// A reader of the pages of a column in a row group. The name of the compression that is not read, where it is none of those
/// that are.
pub(crate) fn pages_of<R: ChunkReader + 'static>(
    file: Arc<R>,
    chunk: &ColumnChunkMetaData,
    n_rows: usize,
) -> std::result::Result<Box<dyn PageReader>, PagesError> {
    let codec = match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::LZ4 | Compression::LZ4_RAW => {
            return Ok(Box::new(SerializedPageReader::new(file, chunk, n_rows, None)?));
        }
        Compression::GZIP(_) => Codec::Gzip,
        Compression::ZSTD(_) => Codec::Zstandard,
        Compression::BROTLI(_) => Codec::Brotli,
        other => return Err(PagesError::Codec(format!("{other:?}").to_lowercase())),
    };
    let as_it_is = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
    let packed = SerializedPageReader::new(file, &as_it_is, n_rows, None)?;
    Ok(Box::new(Unpacked { packed, codec }))
}

/// Why there are no pages.
#[derive(Debug)]
pub(crate) enum PagesError {
    /// They are packed in a way that is not known.
    Codec(String),
    /// The file is not what it says.
    File(ParquetError),
}

impl From<ParquetError> for PagesError {
    fn from(error: ParquetError) -> Self {
        Self::File(error)
    }
}

struct Unpacked<R: ChunkReader> {
    packed: SerializedPageReader<R>,
    codec: Codec,
}

impl<R: ChunkReader> Unpacked<R> {
    fn unpack(&self, page: Page) -> Result<Page> {
        Ok(match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => Page::DataPage {
                buf: self.codec.unpack(&buf, 0)?,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            },
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                Page::DictionaryPage { buf: self.codec.unpack(&buf, 0)?, num_values, encoding, is_sorted }
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                statistics,
            } => Page::DataPageV2 {
                // The levels before the values are never packed.
                buf: self.codec.unpack(&buf, def_levels_byte_len as usize + rep_levels_byte_len as usize)?,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: false,
                statistics,
            },
            Page::DataPageV2 { is_compressed: false, .. } => page,
        })
    }
}

impl<R: ChunkReader> Iterator for Unpacked<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Unpacked<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.packed.get_next_page()?.map(|page| self.unpack(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.packed.skip_next_page()
    }
}

impl Codec {
    /// The bytes of a page, what follows its first `n_plain` bytes unpacked.
    fn unpack(self, page: &Bytes, n_plain: usize) -> Result<Bytes> {
        let Some((plain, packed)) = page.split_at_checked(n_plain) else {
            return Err(ParquetError::General("a page is shorter than its levels".to_owned()));
        };
        let mut unpacked = plain.to_vec();
        // A page of nothing but nulls has no values, and is not packed either.
        if packed.is_empty() {
            return Ok(unpacked.into());
        }
        let limit = MAX_PAGE_BYTES + 1;
        match self {
            Self::Gzip => flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(&mut unpacked)?,
            Self::Brotli => {
                brotli_decompressor::Decompressor::new(packed, 4096).take(limit).read_to_end(&mut unpacked)?
            }
            Self::Zstandard => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(packed);
                let decoder = decoder.map_err(|error| ParquetError::General(error.to_string()))?;
                decoder.take(limit).read_to_end(&mut unpacked)?
            }
        };
        if unpacked.len() as u64 > MAX_PAGE_BYTES {
            return Err(ParquetError::General("a page has more than 256 MB".to_owned()));
        }
        Ok(unpacked.into())
    }
}

/**
 * Parquet files as data: a row is an object, as a line of a JSONL file is.
 *
 * <pre>
 * ParquetFormat  what peft-models finds by the service loader
 * Footer         the end of a file: its columns, and where their pages are (ThriftReader, Bytes)
 * Schema         the tree of columns; ValueKind says what a value is in JSON
 * ColumnReader   the values of a column, page by page (PageHeader, Codec, Values, RunReader, DeltaReader)
 * RowAssembler   objects of the columns' values and levels
 * Budget         what a file may become, by its size
 * </pre>
 *
 * <p>Nothing is believed: sizes are compared with what is there before memory is taken, and a problem names file, row and column.
 */
@NullMarked
package dev.peft4j.parquet;

import org.jspecify.annotations.NullMarked;

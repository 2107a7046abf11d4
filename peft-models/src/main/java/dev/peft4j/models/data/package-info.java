/**
 * Training records: {@link dev.peft4j.models.data.RecordReader} reads files, {@link dev.peft4j.models.data.RecordEncoder} makes tokens. Readers of records of
 * other kinds take the objects of a JSONL file from {@link dev.peft4j.models.data.JsonRecord}; other kinds of files are a
 * {@link dev.peft4j.models.data.RowFormat}.
 */
@NullMarked
package dev.peft4j.models.data;

import org.jspecify.annotations.NullMarked;

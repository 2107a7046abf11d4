/** Training records: {@link dev.peft4j.models.data.RecordReader} reads files, {@link dev.peft4j.models.data.RecordEncoder} makes tokens. */
@NullMarked
package dev.peft4j.models.data;

import org.jspecify.annotations.NullMarked;

package dev.peft4j.parquet;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What is wrong with a part of a file. Whoever knows the file and the row says so around it. */
final class ParquetProblem extends IOException {
    private static final long serialVersionUID = 1L;

    private ParquetProblem(String text, @Nullable Throwable cause) {
        super(text, cause);
    }

    /** The file contradicts its format. */
    static ParquetProblem damaged(String found) {
        return damaged(found, null);
    }

    /** The file contradicts its format, as a decoder said. */
    static ParquetProblem damaged(String found, @Nullable Throwable cause) {
        return new ParquetProblem(found + ". The file is damaged: get it again, or write it anew.", cause);
    }

    /** The format allows it and this reader does not know it. */
    static ParquetProblem unknown(String found) {
        return new ParquetProblem(
                found + ", which is not read. Write the file anew (pyarrow.parquet.write_table with its defaults).",
                null);
    }

    /**
     * The format allows it and it is more than is read, which need not mean that the file is damaged.
     *
     * @param how to write it instead
     */
    static ParquetProblem tooMuch(String found, String how) {
        return new ParquetProblem(found + ", which is more than is read. Write it " + how + ".", null);
    }

    /** The same problem of a column. */
    ParquetProblem in(String column) {
        return new ParquetProblem("column " + column + ": " + getMessage(), getCause());
    }
}

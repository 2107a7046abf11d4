package dev.peft4j.parquet;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.models.data.RowFormat;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads Parquet files as data, in their names' end {@code .parquet}; readers of records find it by themselves where this jar is on the class path.
 *
 * <p>A row is an object: a column is a key, groups are objects, lists and maps are lists and objects. Decimals keep their digits, times are texts as ISO 8601 writes
 * them, and a number that is none or infinite is null. Bytes whose meaning the file does not say are read as text where they are valid UTF-8, and as Base64
 * where not, value by value; bytes of another meaning are Base64. Of a key that a map has twice the last value counts. Pages may be of either version, in every encoding of the
 * format but the old one of levels (BIT_PACKED), packed with Snappy, Zstandard, gzip, LZ4 or not at all; encrypted files are not read. One page of each column is in memory at
 * a time, with the dictionary of the column in its group of rows.
 *
 * <p>Of any file are read 16 MiB of unpacked pages, 2^24 values (an object, a list or an entry of a dictionary counts as eight) and 2^30 characters of
 * texts that are values by their number in a dictionary; of larger files 100 bytes, 16 values and 100 characters for each byte of the file. A file that has
 * more is refused, for it could be made to exhaust memory.
 */
public final class ParquetFormat implements RowFormat {
    /** Found by the service loader. */
    public ParquetFormat() {}

    @Override
    public String ending() {
        return ".parquet";
    }

    /**
     * {@inheritDoc}
     *
     * @throws BadFileException with row and column, if the file is damaged, or becomes more than is read, or has what is not read
     */
    @Override
    public void read(Path file, Rows rows) throws IOException {
        long[] row = {0};
        try (Source source = new Source(file)) {
            readAll(source, rows, row);
        } catch (ParquetProblem e) {
            throw new BadFileException(file, (row[0] == 0 ? "" : "row " + row[0] + ", ") + e.getMessage(), e);
        } catch (ClosedByInterruptException e) {
            throw new StoppedException(file + " was to be read");
        }
    }

    private static void readAll(Source source, Rows rows, long[] row) throws IOException {
        Footer footer = Footer.read(source);
        Schema schema = Schema.of(footer.schema());
        Budget budget = new Budget(source.size());
        for (Footer.RowGroup group : footer.groups()) {
            RowAssembler assembler = new RowAssembler(schema.root(), columns(source, budget, schema, group), budget);
            for (long i = 0; i < group.rows(); i++) {
                row[0]++;
                if (!rows.row(assembler.next())) {
                    return;
                }
            }
            assembler.requireEnd();
        }
    }

    private static List<ColumnReader> columns(Source source, Budget budget, Schema schema, Footer.RowGroup group)
            throws ParquetProblem {
        int n = schema.leaves().size();
        if (group.columns().size() != n || group.rows() < 0) {
            throw ParquetProblem.damaged("a group of " + group.rows() + " rows has "
                    + group.columns().size() + " columns, and the file has " + n);
        }
        List<ColumnReader> columns = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            columns.add(new ColumnReader(
                    source, budget, schema.leaves().get(i), group.columns().get(i)));
        }
        return columns;
    }
}

package dev.peft4j.core.format;

import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;

/**
 * A piece of a tensor that is read or written at once: some whole rows, or a part of one that is long.
 *
 * @param from number of its first element, row by row
 * @param row its first row
 * @param column its first column
 * @param rows number of rows
 * @param columns number of columns
 */
record Piece(long from, int row, int column, int rows, int columns) {
    /** What is done with each piece. */
    interface Action {
        void take(Piece piece) throws IOException;
    }

    /** Goes through all elements of a matrix in pieces of at most {@code most} elements. */
    static void forEach(int rows, int columns, int most, Action action) throws IOException {
        if (columns == 0) {
            return;
        }
        int together = Math.max(1, most / columns);
        for (long r = 0; r < rows; r += together) {
            for (long c = 0; c < columns; c += most) {
                int height = (int) Math.min(together, rows - r);
                int width = (int) Math.min(most, columns - c);
                action.take(new Piece(r * columns + c, (int) r, (int) c, height, width));
            }
        }
    }

    int size() {
        return rows * columns;
    }

    /** Its place in a matrix. */
    Tensor of(Tensor matrix) {
        return matrix.rows(row, rows).columns(column, columns);
    }

    /** Its place (columns, rows) in a matrix whose rows and columns are exchanged. */
    Tensor turned(Tensor matrix) {
        return matrix.rows(column, columns).columns(row, rows);
    }

    /** Writes its values to a matrix whose rows and columns are exchanged. */
    void turned(Tensor matrix, double[] values) {
        // the only garbage: what is made for each column would keep the piece alive for too long
        double[] one = new double[rows];
        RowTarget.writeAll(turned(matrix), (c, to) -> {
            for (int r = 0; r < rows; r++) {
                one[r] = values[r * columns + c];
            }
            to.put(0, one, rows);
        });
    }
}

package dev.peft4j.models.gguf;

/**
 * The order of the rows of queries and keys. Rotations take two of them together: Hugging Face has the first ones of all pairs of a head, then the second ones,
 * x₀ x₁ … y₀ y₁ …; llama.cpp has them as the first Llama had, x₀ y₀ x₁ y₁ ….
 *
 * <p>Source: {@code LlamaModel.permute} of llama.cpp's {@code convert_hf_to_gguf.py}.
 */
final class HeadRows {
    private HeadRows() {}

    /**
     * From Hugging Face's order to llama.cpp's.
     *
     * @param rows (H, n) of whole heads, row by row
     * @param head rows of a head, an even number
     */
    static float[] toPairs(float[] rows, int head, int columns) {
        float[] out = new float[rows.length];
        for (int r = 0; r < rows.length / columns; r++) {
            System.arraycopy(rows, r * columns, out, paired(r, head) * columns, columns);
        }
        return out;
    }

    /** From llama.cpp's order to Hugging Face's. */
    static float[] toHalves(float[] rows, int head, int columns) {
        float[] out = new float[rows.length];
        for (int r = 0; r < rows.length / columns; r++) {
            System.arraycopy(rows, paired(r, head) * columns, out, r * columns, columns);
        }
        return out;
    }

    /** Where llama.cpp has a row of Hugging Face. */
    private static int paired(int row, int head) {
        int half = head / 2;
        int inHead = row % head;
        return row - inHead + 2 * (inHead % half) + inHead / half;
    }
}

package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Base models in GGUF files as Hugging Face directories: weights under Hugging Face's names and in its order of rows, {@code config.json}, the tokenizer with
 * its chat template, and {@code generation_config.json}.
 *
 * <p>Models of the architecture llama are read, with a tokenizer of the kinds {@code gpt2} and {@code llama}.
 */
public final class GgufConversion {
    private static final int PANEL = 1 << 20; // elements

    private final GgufFile file;
    private final LlamaBase base;
    private final @Nullable GgufType asked;

    private GgufConversion(GgufFile file, @Nullable GgufType asked) throws BadFileException {
        this.file = file;
        this.base = new LlamaBase(file);
        this.asked = asked;
    }

    /**
     * Converts a file; each tensor keeps its format if that is F32, F16 or BF16, and becomes F32 if it is quantized.
     *
     * @param out directory, which is made if it is missing; files of these names in it are replaced, all or none
     * @throws BadFileException if the file is damaged, no Llama, or has a tokenizer of another kind
     * @throws IOException if writing fails
     */
    public static void toDirectory(Path gguf, Path out) throws IOException {
        convert(gguf, out, null);
    }

    /**
     * The same with all tensors in one format.
     *
     * @param type F32, F16 or BF16, to which numbers are rounded
     * @throws BadInputException if it is none of these, or a number is beyond it
     */
    public static void toDirectory(Path gguf, Path out, GgufType type) throws IOException {
        PlainNumbers.require(type);
        convert(gguf, out, type);
    }

    private static void convert(Path gguf, Path out, @Nullable GgufType asked) throws IOException {
        try (GgufFile file = GgufFile.open(gguf)) {
            GgufConversion conversion = new GgufConversion(file, asked);
            Map<String, AtomicFile.Content> files = new LinkedHashMap<>();
            files.put("config.json", json(conversion.base.config(conversion.dtype())));
            files.put("generation_config.json", json(conversion.base.tokens()));
            GgufTokenizer tokenizer = GgufTokenizer.of(conversion.base);
            files.put("tokenizer.json", AtomicFile.text(Json.printLine(tokenizer.json())));
            files.put("tokenizer_config.json", json(tokenizer.settings()));
            files.put("model.safetensors", conversion.weights());
            WholeFiles.write(out, files);
        }
    }

    private static AtomicFile.Content json(Map<String, Object> fields) throws IOException {
        return AtomicFile.text(Json.print(fields) + "\n");
    }

    /** The format that a tensor gets. */
    private GgufType type(GgufTensor tensor) {
        if (asked != null) {
            return asked;
        }
        return tensor.type().isPlain() ? tensor.type() : GgufType.F32;
    }

    /** What all matrices have, as PyTorch calls it; single precision if they differ. */
    private String dtype() {
        List<GgufType> types = file.tensors().values().stream()
                .filter(t -> t.shape().size() > 1)
                .map(this::type)
                .distinct()
                .toList();
        return switch (types.size() == 1 ? types.get(0) : GgufType.F32) {
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            default -> "float32";
        };
    }

    private AtomicFile.Content weights() throws IOException {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("__metadata__", Map.of("format", "pt"));
        long at = 0;
        for (LlamaBase.Move move : base.moves()) {
            GgufTensor tensor = move.tensor();
            long end = at + type(tensor).bytes(tensor.elements());
            header.put(
                    move.name(),
                    Map.of("dtype", type(tensor).name(), "shape", tensor.shape(), "data_offsets", List.of(at, end)));
            at = end;
        }
        byte[] json = Json.printLine(header).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        return channel -> {
            ByteBuffer head = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
            head.putLong(padded).put(json);
            while (head.hasRemaining()) {
                head.put((byte) ' ');
            }
            WholeFiles.put(channel, head.flip());
            for (LlamaBase.Move move : base.moves()) {
                write(channel, move);
            }
        };
    }

    /** Whole rows at a time, and whole heads where their rows change places. */
    private void write(FileChannel channel, LlamaBase.Move move) throws IOException {
        GgufTensor tensor = move.tensor();
        WholeFiles.Sink sink = WholeFiles.sink(channel, tensor.name(), type(tensor));
        int columns = (int) tensor.columns();
        int unit = Math.max(1, move.pairedHead());
        long together = Math.max(1, PANEL / ((long) unit * columns)) * unit;
        for (long r = 0; r < tensor.rows(); r += together) {
            float[] rows = file.rows(tensor.name(), r, (int) Math.min(together, tensor.rows() - r));
            sink.put(move.pairedHead() == 0 ? rows : HeadRows.toHalves(rows, unit, columns));
        }
    }
}

package dev.peft4j.core.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads and checks the JSON header of a safetensors file: stricter than the reference reader, which accepts duplicate keys, leading
 * spaces and unknown fields.
 */
final class SafetensorsHeader {
    private static final int DEPTH = 3; // {"name": {"shape": [..]}}
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH)
                    .maxNumberLength(20)
                    .build())
            .build();

    private final Path file;
    private final long dataBytes;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafetensorsHeader(Path file, long dataBytes) {
        this.file = file;
        this.dataBytes = dataBytes;
    }

    static SafetensorsHeader parse(Path file, String json, long dataBytes) throws IOException {
        SafetensorsHeader header = new SafetensorsHeader(file, dataBytes);
        try (JsonParser parser = JSON.createParser(json)) {
            header.read(parser);
        } catch (com.fasterxml.jackson.core.JacksonException e) {
            throw new BadFileException(
                    file,
                    "the header is not the JSON of a safetensors file: " + e.getOriginalMessage()
                            + ". The file is damaged; get it again.",
                    e);
        }
        header.checkLayout();
        return header;
    }

    Map<String, TensorInfo> tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return metadata;
    }

    private BadFileException bad(String problem) {
        return new BadFileException(
                file, problem + " The file is damaged or was not written by a safetensors library; get it again.");
    }

    private void read(JsonParser parser) throws IOException {
        expect(parser.nextToken() == JsonToken.START_OBJECT, "the header is not a JSON object.");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            expect(parser.nextToken() == JsonToken.START_OBJECT, "entry \"" + name + "\" is not an object.");
            if (name.equals("__metadata__")) {
                readMetadata(parser);
            } else {
                tensors.put(name, readTensor(parser, name));
            }
        }
        expect(parser.nextToken() == null, "there is text after the header object.");
    }

    private void readMetadata(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            expect(parser.nextToken() == JsonToken.VALUE_STRING, "metadata \"" + key + "\" is not text.");
            metadata.put(key, parser.getText());
        }
    }

    private TensorInfo readTensor(JsonParser parser, String name) throws IOException {
        String dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String field = parser.currentName();
            parser.nextToken();
            switch (field) {
                case "dtype" -> {
                    expect(parser.currentToken() == JsonToken.VALUE_STRING, "the dtype of " + name + " is not text.");
                    dtype = parser.getText();
                }
                case "shape" -> shape = readNumbers(parser, name);
                case "data_offsets" -> offsets = readNumbers(parser, name);
                default -> throw bad("tensor " + name + " has an unknown field \"" + field + "\".");
            }
        }
        if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
            throw bad("tensor " + name + " lacks dtype, shape or two data_offsets.");
        }
        int bits = TensorInfo.bits(dtype);
        expect(bits > 0, "tensor " + name + " has the unknown dtype \"" + dtype + "\".");
        long elements = 1;
        try {
            for (long n : shape) {
                elements = Math.multiplyExact(elements, n);
            }
            elements = Math.multiplyExact(elements, (long) bits);
        } catch (ArithmeticException e) {
            throw bad("the shape " + shape + " of tensor " + name + " overflows.");
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        expect(
                begin <= end && end <= dataBytes,
                "tensor " + name + " lies at bytes " + begin + " to " + end + " of " + dataBytes + ".");
        expect(
                elements % 8 == 0 && elements / 8 == end - begin,
                "tensor " + name + " of " + dtype + " " + shape + " needs " + elements / 8 + " bytes and has "
                        + (end - begin) + ".");
        TensorInfo info = new TensorInfo(name, dtype, List.copyOf(shape), begin, end);
        expect(
                info.isMatrix(),
                "tensor " + name + " has the shape " + shape + ", and rows and columns are at most " + Integer.MAX_VALUE
                        + ".");
        return info;
    }

    private List<Long> readNumbers(JsonParser parser, String name) throws IOException {
        expect(parser.currentToken() == JsonToken.START_ARRAY, "a field of tensor " + name + " is not a list.");
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(
                    parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                            && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                            && parser.getLongValue() >= 0,
                    "tensor " + name + " has a dimension or offset that is not a whole number from 0 to 2^63 - 1.");
            numbers.add(parser.getLongValue());
        }
        return numbers;
    }

    /** Tensors must fill the data without holes and without lying over each other. */
    private void checkLayout() throws BadFileException {
        List<TensorInfo> sorted = new ArrayList<>(tensors.values());
        sorted.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
        long at = 0;
        for (TensorInfo t : sorted) {
            expect(
                    t.begin() == at,
                    "tensor " + t.name() + " begins at byte " + t.begin() + " where " + at
                            + " was expected: tensors overlap or leave a hole.");
            at = t.end();
        }
        expect(at == dataBytes, "the tensors end at byte " + at + " and the file has " + dataBytes + ".");
    }

    private void expect(boolean condition, String problem) throws BadFileException {
        if (!condition) {
            throw bad(problem);
        }
    }
}

package dev.peft4j.models;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the id of one token in a {@code tokenizer.json} without reading it into memory. */
final class TokenScan {
    private final String token;
    private int inVocabulary = -1;
    private int added = -1;

    private TokenScan(String token) {
        this.token = token;
    }

    /**
     * The id of a token, or -1.
     *
     * @throws IOException if the file is missing or no JSON
     */
    static int id(Path file, String token) throws IOException {
        TokenScan scan = new TokenScan(token);
        try (JsonParser json = new JsonFactory().createParser(Files.newBufferedReader(file))) {
            json.nextToken();
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                JsonToken value = json.nextToken();
                if (name.equals("model") && value == JsonToken.START_OBJECT) {
                    scan.model(json);
                } else if (name.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                    scan.added(json);
                } else {
                    json.skipChildren();
                }
            }
        }
        return scan.inVocabulary >= 0 ? scan.inVocabulary : scan.added;
    }

    private void model(JsonParser json) throws IOException {
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            JsonToken value = json.nextToken();
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                map(json);
            } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                list(json);
            } else {
                json.skipChildren();
            }
        }
    }

    private void map(JsonParser json) throws IOException {
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            if (name.equals(token)) {
                inVocabulary = json.nextIntValue(-1);
            } else {
                json.nextToken();
            }
            json.skipChildren();
        }
    }

    /** Pairs of a token and its score; the id is the place. */
    private void list(JsonParser json) throws IOException {
        for (int id = 0; json.nextToken() == JsonToken.START_ARRAY; id++) {
            if (token.equals(json.nextTextValue())) {
                inVocabulary = id;
            }
            while (json.nextToken() != JsonToken.END_ARRAY) {
                json.skipChildren();
            }
        }
    }

    private void added(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.START_OBJECT) {
            int id = -1;
            boolean found = false;
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                if (name.equals("id")) {
                    id = json.nextIntValue(-1);
                } else if (name.equals("content")) {
                    found = token.equals(json.nextTextValue());
                } else {
                    json.nextToken();
                }
                json.skipChildren();
            }
            added = found ? id : added;
        }
    }
}

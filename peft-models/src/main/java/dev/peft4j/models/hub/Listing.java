package dev.peft4j.models.hub;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a hub says of a revision; the rest of its answer, such as the model card, is passed over.
 *
 * @param commit of the revision
 * @param files by their names
 */
record Listing(String commit, Map<String, RemoteFile> files) {
    private static final int MOST_FILES = 100_000;
    private static final JsonFactory JSON = new JsonFactory();

    /**
     * Reads the answer to {@code GET /api/models/ID/revision/REV?blobs=true}.
     *
     * @throws HubException if it is none, or names a file that would lie outside of the repository
     */
    static Listing read(byte[] json, Failures failures) throws IOException {
        String commit = "";
        Map<String, RemoteFile> files = new LinkedHashMap<>();
        try (JsonParser parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw failures.noHub("no JSON object", null);
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                JsonToken value = parser.nextToken();
                if (field.equals("sha") && value == JsonToken.VALUE_STRING) {
                    commit = parser.getText();
                } else if (field.equals("siblings") && value == JsonToken.START_ARRAY) {
                    readFiles(parser, files, failures);
                } else {
                    parser.skipChildren();
                }
            }
        } catch (JacksonException e) {
            throw failures.noHub(
                    "its JSON is damaged (" + HubException.shown(Problems.ofJson(e.getOriginalMessage())) + ")", null);
        }
        if (!HubName.isCommit(commit)) {
            throw failures.noHub("it does not say which commit the revision is", null);
        }
        return new Listing(commit, files);
    }

    private static void readFiles(JsonParser parser, Map<String, RemoteFile> files, Failures failures)
            throws IOException {
        while (parser.nextToken() == JsonToken.START_OBJECT) {
            RemoteFile file = readFile(parser);
            if (!RemoteFile.staysInside(file.name())) {
                throw failures.of("its list has a file \"" + HubException.shown(file.name())
                        + "\", which would lie outside of the repository. Nothing was downloaded; do not use this repository"
                        + " or server.");
            }
            files.put(file.name(), file);
            if (files.size() > MOST_FILES) {
                throw failures.noHub("it lists more than " + MOST_FILES + " files", null);
            }
        }
    }

    /** {@code {"rfilename": .., "size": .., "blobId": .., "lfs": {"sha256": ..}}}. */
    private static RemoteFile readFile(JsonParser parser) throws IOException {
        String name = "";
        String blob = "";
        String large = "";
        long size = -1;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (field) {
                case "rfilename" -> name = text(parser, value);
                case "size" -> size = number(parser, value);
                case "blobId" -> blob = text(parser, value);
                case "lfs" -> large = value == JsonToken.START_OBJECT ? sha256(parser) : "";
                default -> parser.skipChildren();
            }
        }
        String id = large.isEmpty() ? blob : large;
        return new RemoteFile(name, size, RemoteFile.isBlob(id) ? id : "");
    }

    private static String sha256(JsonParser parser) throws IOException {
        String hash = "";
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("sha256")) {
                hash = text(parser, value);
            } else {
                parser.skipChildren();
            }
        }
        return hash;
    }

    private static String text(JsonParser parser, JsonToken value) throws IOException {
        parser.skipChildren();
        return value == JsonToken.VALUE_STRING ? parser.getText() : "";
    }

    private static long number(JsonParser parser, JsonToken value) throws IOException {
        parser.skipChildren();
        return value == JsonToken.VALUE_NUMBER_INT ? Reply.sizeOf(parser.getText()) : -1;
    }
}

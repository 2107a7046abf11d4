package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageRecord;
import dev.peft4j.models.image.ImageRecords;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How images are read, and what chance changes of those that are trained on. */
final class ImageOptions {
    @Option(
            names = "--augment",
            split = ",",
            paramLabel = "CHANGES",
            description =
                    "what chance changes of images in each epoch: crop[=SHARE], a part of at least this share (0.08); pad=PIXELS,"
                            + " moved by at most so many; flip[=PROBABILITY] (0.5); colors[=STRENGTH] (0.4)")
    List<String> augment = List.of();

    @Option(
            names = "--label-file",
            paramLabel = "FILE",
            description = "labels of the images of a file in the form of MNIST (default: the *idx1* beside it)")
    @Nullable
    Path labelFile;

    /** Reads the first images of a folder or file. */
    List<TextRecord> read(Path from, String imageColumn, String labelColumn, int most) throws IOException {
        return new ImageRecords(imageColumn, labelColumn, labelFile)
                .read(from, most).stream().map(ImageRecord::labelled).toList();
    }

    /** The input of images that are trained on. */
    ModelInput varied(ModelInput input) {
        return augment.isEmpty() ? input : input.with(augmentation());
    }

    private Augmentation augmentation() {
        Augmentation made = Augmentation.none();
        Set<String> seen = new HashSet<>();
        for (String change : augment) {
            made = with(made, change);
            if (!seen.add(change.replaceFirst("=.*", ""))) {
                throw new BadInputException(
                        "--augment " + change + " was given, and that change before it. Leave one of them out.");
            }
        }
        return made;
    }

    private static Augmentation with(Augmentation made, String change) {
        try {
            int equals = change.indexOf('=');
            String name = equals < 0 ? change : change.substring(0, equals);
            String value = equals < 0 ? null : change.substring(equals + 1);
            return switch (name) {
                case "crop" -> made.withLeastArea(number(change, value, 0.08));
                case "pad" -> made.withPadding((int) number(change, value, 4));
                case "flip" -> made.withFlip(number(change, value, 0.5));
                case "colors" -> {
                    double strength = number(change, value, 0.4);
                    yield made.withColors(strength, strength, strength, Math.min(0.5, strength / 4));
                }
                default ->
                    throw new BadInputException("--augment " + change
                            + " was given; there are crop, pad, flip and colors. Use some of these.");
            };
        } catch (BadInputException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith("--augment")
                    ? e
                    : new BadInputException("--augment " + change + " was given: " + message, e);
        }
    }

    private static double number(String change, @Nullable String value, double usual) {
        if (value == null) {
            return usual;
        }
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new BadInputException(
                    "--augment " + change + " was given, and a number was expected behind the =. Correct it.", e);
        }
    }
}

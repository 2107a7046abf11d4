package dev.peft4j.cli;

import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A directory, or a repository of the hub, {@code hub:org/name@revision}, which is downloaded into the cache that Python has too. */
final class DirectoryConverter implements ITypeConverter<Path> {
    @Override
    public Path convert(String value) {
        try {
            return HubPath.of(value);
        } catch (IOException | IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }
}

package dev.peft4j.cli;

import dev.peft4j.models.hub.Hub;
import dev.peft4j.models.hub.HubName;
import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A directory, or a repository of the hub, {@code hub:org/name@revision}, which is downloaded into the cache that Python has too. */
final class HubPath implements ITypeConverter<Path> {
    private static final Logger LOG = LoggerFactory.getLogger(HubPath.class);
    private static final long STEP = 64L << 20; // bytes between two lines

    @Override
    public Path convert(String value) {
        if (!HubName.isHub(value)) {
            return Path.of(value);
        }
        try {
            return Hub.fromEnvironment().download(HubName.parse(value), HubPath::tell);
        } catch (IOException | IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }

    private static void tell(String file, long done, long size) {
        if (done == size || done % STEP < 1 << 20) {
            LOG.info("{}: {} of {} MB", file, done >> 20, size >> 20);
        }
    }
}

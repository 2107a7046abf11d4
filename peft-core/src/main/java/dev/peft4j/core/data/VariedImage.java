package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An image that is made when a batch needs it, such as from a file, so that a data set need not fit into memory; chance may have a part in it, so that each
 * epoch of training reads another variant, and evaluation always the same one. {@code evaluated} and {@code variants} are called on any thread.
 *
 * @param identity differs where images differ, such as name and size of a file and how it is prepared: by it a run that goes on knows its records
 * @param channels C of all variants
 * @param targets what is to be predicted of it
 * @param evaluated makes the variant that is evaluated
 * @param variants makes the variant of a number: the same one for the same number, on any thread and at any time; null if chance has no part in it
 */
public record VariedImage(
        String identity,
        int channels,
        Targets targets,
        Supplier<ImageBatch.Image> evaluated,
        @Nullable LongFunction<ImageBatch.Image> variants)
        implements Example {
    /** One, as of other images. */
    @Override
    public int length() {
        return 1;
    }

    /** Whether chance has a part in it. */
    public boolean isVaried() {
        return variants != null;
    }

    /**
     * The variant that is evaluated, made anew by each call.
     *
     * @throws BadInputException if it has other channels or targets
     * @throws java.io.UncheckedIOException if its file cannot be read any more
     */
    public ImageBatch.Image fixed() {
        return checked(evaluated.get());
    }

    /**
     * The variant of an epoch, made anew by each call.
     *
     * @throws BadInputException if it has other channels or targets
     * @throws java.io.UncheckedIOException if its file cannot be read any more
     */
    @Override
    public ImageBatch.Image inEpoch(long seed) {
        return variants == null ? fixed() : checked(variants.apply(seed));
    }

    private ImageBatch.Image checked(ImageBatch.Image made) {
        if (made.channels() != channels || made.targets().count() != targets.count()) {
            throw new BadInputException("an image of " + channels + " channels and " + targets.count()
                    + " targets was expected of " + identity + ", and one of " + made.channels() + " and "
                    + made.targets().count() + " was made. Make variants of one kind.");
        }
        return made;
    }
}

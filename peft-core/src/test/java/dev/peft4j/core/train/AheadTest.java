package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images are made ahead of the steps, which see the same ones as without threads. */
class AheadTest {
    private static final Together ALONE = Together.of(HeadObjective.DEFAULT);
    private static final int RECORDS = 23;

    private final AtomicInteger made = new AtomicInteger();
    private final Set<String> threads = ConcurrentHashMap.newKeySet();

    private static ImageBatch.Image image(float... values) {
        return new ImageBatch.Image(values, 1, 1, values.length, Targets.none());
    }

    private List<VariedImage> records() {
        return IntStream.range(0, RECORDS)
                .mapToObj(i -> new VariedImage("image " + i, 1, Targets.none(), () -> image(i, -1), seed -> {
                    made.incrementAndGet();
                    threads.add(Thread.currentThread().getName());
                    return image(i, (float) (seed % 1000));
                }))
                .toList();
    }

    private static TrainingConfig config(int accumulation) {
        return TrainingConfig.builder()
                .batchSize(4)
                .accumulation(accumulation)
                .seed(3)
                .build();
    }

    private static float[] values(List<Batch> step) {
        List<Float> all = new ArrayList<>();
        for (Batch batch : step) {
            for (ImageBatch.Image image : ((ImageBatch) batch).images()) {
                all.add(image.values()[0]);
                all.add(image.values()[1]);
            }
        }
        float[] values = new float[all.size()];
        IntStream.range(0, values.length).forEach(i -> values[i] = all.get(i));
        return values;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 100})
    void steps_are_those_without_threads_over_several_epochs(int accumulation) {
        Batches plain = new Batches(records(), config(accumulation), ALONE);
        try (Ahead ahead = new Ahead(new Batches(records(), config(accumulation), ALONE), records())) {
            for (int i = 0; i < 20; i++) {
                List<Batch> expected = plain.next();
                List<Batch> found = ahead.next();
                assertEquals(expected.size(), found.size());
                assertArrayEquals(values(expected), values(found), "step " + i);
            }
        }
    }

    @Test
    void a_run_that_goes_on_sees_the_images_of_the_steps_that_are_left() {
        Batches whole = new Batches(records(), config(2), ALONE);
        List<float[]> all =
                IntStream.range(0, 12).mapToObj(i -> values(whole.next())).toList();
        Batches rest = new Batches(records(), config(2), ALONE);
        IntStream.range(0, 7).forEach(i -> rest.skip());
        assertNotEquals(0, made.getAndSet(0));
        try (Ahead ahead = new Ahead(rest, records())) {
            for (int i = 7; i < 12; i++) {
                assertArrayEquals(all.get(i), values(ahead.next()));
            }
        }
    }

    @Test
    void at_most_two_batches_are_made_ahead_on_threads_of_their_own() throws InterruptedException {
        try (Ahead ahead = new Ahead(new Batches(records(), config(1), ALONE), records())) {
            ahead.next();
            for (int i = 0; i < 200 && made.get() < 12; i++) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            TimeUnit.MILLISECONDS.sleep(50);
            assertEquals(12, made.get());
            assertEquals(Set.of("peft4j-images"), threads);
        }
    }

    @Test
    void what_needs_no_work_is_batched_by_the_thread_that_asks() {
        List<ImageBatch.Image> ready = List.of(image(1, 2), image(3, 4));
        int before = Thread.activeCount();
        try (Ahead ahead = new Ahead(new Batches(ready, config(1), ALONE), ready)) {
            assertEquals(2, ahead.next().get(0).size());
            assertEquals(before, Thread.activeCount());
        }
    }

    @Test
    void a_file_that_is_gone_is_told_by_the_step_that_needs_it() {
        UncheckedIOException gone = new UncheckedIOException("a.png: there is none", new IOException("a.png"));
        List<Example> records = List.of(new VariedImage("a.png", 1, Targets.none(), () -> image(1), seed -> {
            throw gone;
        }));
        try (Ahead ahead = new Ahead(new Batches(records, config(1), ALONE), records)) {
            assertSame(gone, assertThrows(UncheckedIOException.class, ahead::next));
        }
    }

    @Test
    void an_interrupted_thread_gets_its_batch_and_stays_interrupted() {
        CountDownLatch begun = new CountDownLatch(1);
        List<Example> records = List.of(new VariedImage("a.png", 1, Targets.none(), () -> image(1), seed -> {
            begun.countDown();
            return image(7);
        }));
        try (Ahead ahead = new Ahead(new Batches(records, config(1), ALONE), records)) {
            Thread.currentThread().interrupt();
            assertArrayEquals(
                    new float[] {7},
                    ((ImageBatch) ahead.next().get(0)).images().get(0).values());
            assertTrue(Thread.interrupted());
            assertEquals(0, begun.getCount());
        }
    }

    @Test
    void an_image_that_is_not_what_it_was_said_to_be_is_refused() {
        VariedImage wrong = new VariedImage("a.png", 3, Targets.none(), () -> image(1), seed -> image(1));
        assertThrows(BadInputException.class, wrong::fixed);
        assertThrows(BadInputException.class, () -> wrong.inEpoch(1));
    }

    @Test
    void evaluation_reads_the_image_as_it_is_and_a_run_knows_it_by_its_identity() {
        List<VariedImage> records = records();
        ImageBatch batch = (ImageBatch) Batch.of(records.subList(2, 4));
        assertArrayEquals(new float[] {2, -1}, batch.images().get(0).values());
        made.set(0);
        String print = Fingerprint.of(records);
        assertEquals(print, Fingerprint.of(records()));
        assertFalse(print.equals(Fingerprint.of(records.subList(1, RECORDS))));
        assertEquals(0, made.get());
    }

    @Test
    void images_of_an_evaluation_are_made_at_once_and_stay_in_order() {
        UncheckedIOException gone = new UncheckedIOException("a.png: there is none", new IOException("a.png"));
        List<VariedImage> records = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            float number = i;
            records.add(new VariedImage("image", 1, Targets.none(), () -> image(number), null));
        }
        ImageBatch batch = (ImageBatch) Batch.of(records);
        for (int i = 0; i < 200; i++) {
            assertEquals(i, batch.images().get(i).values()[0]);
        }
        records.set(
                150,
                new VariedImage(
                        "a.png",
                        1,
                        Targets.none(),
                        () -> {
                            throw gone;
                        },
                        null));
        assertSame(gone, assertThrows(UncheckedIOException.class, () -> Batch.of(records)));
    }
}

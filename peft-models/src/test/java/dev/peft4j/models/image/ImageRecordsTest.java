package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Folders, tables and files of data sets become records, and say what is wrong with them. */
class ImageRecordsTest {
    private static final byte[] PNG = Fixtures.bytes(Fixtures.named("files", "rgb.png"), "file");
    private static final byte[] GIF = Fixtures.bytes(Fixtures.named("files", "animated.gif"), "file");

    @TempDir
    Path dir;

    private Path put(String name, byte... bytes) throws IOException {
        Path file = dir.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes);
    }

    private Path packed(String name, byte... bytes) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(dir.resolve(name)))) {
            out.write(bytes);
        }
        return dir.resolve(name);
    }

    private static List<ImageRecord> read(Path from) throws IOException {
        return ImageRecords.defaults().read(from);
    }

    private static void refused(String expected, Executable action) {
        Exception e = assertThrows(Exception.class, action);
        assertTrue(e instanceof BadFileException || e instanceof BadInputException, e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains(expected), e::getMessage);
    }

    private static List<String> labels(List<ImageRecord> records) {
        return records.stream().map(r -> String.valueOf(r.label())).toList();
    }

    @Test
    void folders_are_classes_in_the_order_of_their_names() throws IOException {
        put("dog/b.png", PNG);
        put("dog/a.gif", GIF);
        put("cat/deep/c.PNG", PNG);
        put("cat/notes.txt", (byte) 1);
        put("cat/.hidden.png", PNG);
        put(".git/x.png", PNG);
        put("readme.png", PNG);
        List<ImageRecord> records = read(dir);
        assertEquals(List.of("cat", "dog", "dog"), labels(records));
        assertEquals(dir.resolve("dog/a.gif"), records.get(1).file());
        assertEquals(9, records.get(0).height());
        assertEquals(List.of("cat", "dog"), learnt(records).names());
    }

    @Test
    void broken_files_are_left_out_unless_none_is_left() throws IOException {
        put("cat/a.png", PNG);
        put("cat/b.png", (byte) 1);
        put("dog/a.png", PNG);
        assertEquals(2, read(dir).size());
        put("cat/a.png");
        refused("images of the class cat were expected", () -> read(dir));
        put("dog/a.png", Arrays.copyOf(PNG, 12));
        refused("3 of 3 files that cannot be read: " + dir.resolve("cat/a.png"), () -> read(dir));
    }

    @Test
    void the_first_records_of_a_folder_are_of_all_classes() throws IOException {
        for (String name : List.of("cat/a.png", "cat/b.png", "cat/c.png", "dog/a.png", "dog/b.png", "fox/a.png")) {
            put(name, PNG);
        }
        assertEquals(List.of("cat", "dog", "fox", "cat", "dog", "cat"), labels(read(dir)));
        assertEquals(
                List.of("cat", "dog", "fox", "cat"),
                labels(ImageRecords.defaults().read(dir, 4)));
        put("cat/a.png", (byte) 1);
        assertEquals(List.of("dog", "fox"), labels(ImageRecords.defaults().read(dir, 2)), "broken ones do not count");
    }

    @Test
    void files_that_are_cut_short_are_left_out_before_a_run_meets_them() throws IOException {
        put("cat/a.png", PNG);
        put("dog/a.png", PNG);
        put("dog/cut.png", Arrays.copyOf(PNG, PNG.length - 20));
        byte[] jpeg = jpeg();
        put("dog/b.jpg", jpeg);
        put("dog/cut.jpg", Arrays.copyOf(jpeg, jpeg.length - 2));
        byte[] longer = Arrays.copyOf(jpeg, jpeg.length + 100_000); // something behind the image
        put("dog/longer.jpg", longer);
        assertEquals(
                List.of("a.png", "a.png", "b.jpg", "longer.jpg"),
                read(dir).stream()
                        .map(r ->
                                String.valueOf(Objects.requireNonNull(r.file()).getFileName()))
                        .toList());
        refused("cut short", () -> ImageRecord.of(dir.resolve("dog/cut.jpg"), null));
    }

    private static byte[] jpeg() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(20, 10, BufferedImage.TYPE_INT_RGB), "jpg", out);
        return out.toByteArray();
    }

    @Test
    void a_picture_too_thin_to_be_resized_is_named_before_a_run() throws IOException {
        List<ImageRecord> records = List.of(
                ImageRecord.of(Picture.of(1, 100, 100, new byte[10_000]), "a", "square"),
                ImageRecord.of(Picture.of(1, 3, 800, new byte[2400]), "b", "thin"));
        Preprocessing p = Preprocessing.of(1)
                .withResize(Resize.shortestEdge(256), Resampling.BILINEAR)
                .withCrop(224, 224);
        refused(
                "thin: an image of 3 x 800 was to be resized",
                () -> examples(records, learnt(records), p, Augmentation.none()));
    }

    @Test
    void a_record_of_a_table_is_its_image() throws IOException {
        put("a.png", PNG);
        Path csv = put("t.csv", "path,label\na.png,cat\na.png,cat\n".getBytes(StandardCharsets.UTF_8));
        List<ImageRecord> records = read(csv);
        assertEquals(records.get(0).labelled().text(), records.get(1).labelled().text());
        assertEquals(csv + ", line 3", records.get(1).labelled().place());
    }

    @Test
    void one_class_none_an_empty_one_and_parts_of_a_data_set_are_refused() throws IOException {
        refused("and there is none", () -> read(dir));
        put("cat/a.png", PNG);
        refused("and there is one: cat", () -> read(dir));
        Files.createDirectories(dir.resolve("dog"));
        refused("images of the class dog were expected", () -> read(dir));
        Path split = Files.createDirectories(dir.resolve("split"));
        put("split/train/cat/a.png", PNG);
        put("split/test/cat/a.png", PNG);
        refused("are parts of a data set", () -> read(split));
    }

    @Test
    void tables_name_files_from_their_own_folder_on() throws IOException {
        put("data/images/a.png", PNG);
        Path outside = put("b.gif", GIF);
        Path csv = put(
                "data/t.csv",
                ("path,label\nimages/a.png,cat\n../b.gif,dog\n" + outside + ",dog\n").getBytes(StandardCharsets.UTF_8));
        List<ImageRecord> records = read(csv);
        assertEquals(List.of("cat", "dog", "dog"), labels(records));
        assertEquals(csv + ", line 3", records.get(1).place());
        Path lines = put(
                "data/t.jsonl", "{\"file_name\": \"images/a.png\", \"label\": 3}\n".getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("3"), labels(read(lines)));
        Path named = put("data/u.tsv", "pic\tkind\nimages/a.png\tcat\n".getBytes(StandardCharsets.UTF_8));
        assertEquals(
                List.of("cat"),
                labels(ImageRecords.defaults().withColumns("pic", "kind").read(named)));
        refused("has not what records for IMAGE_CLS have", () -> read(named));
    }

    @Test
    void a_table_of_files_that_are_not_there_is_refused() throws IOException {
        Path csv = put("t.csv", "image,label\nnone.png,cat\n".getBytes(StandardCharsets.UTF_8));
        refused("1 of 1 files that cannot be read: " + dir.resolve("none.png"), () -> read(csv));
        Path empty = put("u.csv", "image,label\n\"\",cat\n".getBytes(StandardCharsets.UTF_8));
        refused("names none", () -> read(empty));
        refused("there is none", () -> read(dir.resolve("missing.csv")));
    }

    private static byte[] cifar(int records, int classes, int labels) {
        ByteBuffer bytes = ByteBuffer.allocate(records * (labels + 3072));
        for (int i = 0; i < records; i++) {
            for (int l = 0; l < labels; l++) {
                bytes.put((byte) (i % classes));
            }
            byte[] planes = new byte[3072];
            new Random(i).nextBytes(planes);
            bytes.put(planes);
        }
        return bytes.array();
    }

    @Test
    void cifar_files_are_read_packed_or_not_with_one_label_or_two() throws IOException {
        List<ImageRecord> ten = read(packed("a.bin.gz", cifar(3, 10, 1)));
        assertEquals(List.of("0", "1", "2"), labels(ten));
        byte[] planes = new byte[3072];
        new Random(2).nextBytes(planes);
        assertArrayEquals(planes, ten.get(2).picture().planes());
        assertEquals("Picture[3 x 32 x 32]", ten.get(0).picture().toString());
        assertEquals(List.of("0", "1"), labels(read(put("b.bin", cifar(2, 10, 2)))));
    }

    @Test
    void cifar_files_of_another_length_or_with_other_labels_are_refused() throws IOException {
        byte[] whole = cifar(2, 10, 1);
        Path cut = put("a.bin", Arrays.copyOf(whole, whole.length - 1));
        refused("CIFAR-10 (3073 bytes) or CIFAR-100 (3074) were expected, and it has 6145", () -> read(cut));
        whole[0] = 10;
        Path label = put("b.bin", whole);
        refused("labels beyond", () -> read(label));
        Path empty = put("c.bin");
        refused("it has 0 bytes", () -> read(empty));
        Path damaged = put("d.bin.gz", Arrays.copyOf(Files.readAllBytes(packed("e.bin.gz", cifar(9, 9, 1))), 999));
        refused("is damaged", () -> read(damaged));
    }

    private static byte[] idx(int magic, byte[] data, int... sizes) {
        ByteBuffer bytes =
                ByteBuffer.allocate(4 + 4 * sizes.length + data.length).putInt(magic);
        for (int size : sizes) {
            bytes.putInt(size);
        }
        return bytes.put(data).array();
    }

    @Test
    void files_of_the_form_of_mnist_are_read_with_their_labels() throws IOException {
        byte[] data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        Path images = packed("t-images-idx3-ubyte.gz", idx(0x803, data, 2, 3, 2));
        refused("t-labels-idx1-ubyte.gz, which is not there", () -> read(images));
        put("t-labels-idx1-ubyte", idx(0x801, new byte[] {7, 0}, 2));
        List<ImageRecord> records = read(images);
        assertEquals(List.of("7", "0"), labels(records));
        assertEquals(
                Picture.of(1, 3, 2, Arrays.copyOfRange(data, 6, 12)),
                records.get(1).picture());
        Path named = put("l", idx(0x801, new byte[] {1, 2}, 2));
        assertEquals(
                List.of("1", "2"),
                labels(ImageRecords.defaults().withLabels(named).read(images)));
    }

    @Test
    void files_of_the_form_of_mnist_that_tell_something_else_than_they_have_are_refused() throws IOException {
        byte[] data = new byte[12];
        put("a-labels-idx1-ubyte", idx(0x801, new byte[3], 3));
        Path images = put("a-images-idx3-ubyte", idx(0x803, data, 2, 3, 2));
        refused("a label for each of the 2 images", () -> read(images));
        Path magic = put("b-images-idx3-ubyte", idx(0x801, data, 2, 3, 2));
        refused("begins with 2049", () -> read(magic));
        Path head = put("c-images-idx3-ubyte", idx(0x803, new byte[0], 2, 3));
        refused("has 12 bytes", () -> read(head));
        Path more = put("d-images-idx3-ubyte", idx(0x803, data, 2, 3, 3));
        refused("says that it has [2, 3, 3] bytes behind its header, and it has 12", () -> read(more));
        int huge = Integer.MAX_VALUE;
        Path hostile = put("e-images-idx3-ubyte", idx(0x803, data, huge, huge, huge));
        refused("says that it has", () -> read(hostile));
        Path negative = put("f-images-idx3-ubyte", idx(0x803, data, -1, -3, 4));
        refused("says that it has", () -> read(negative));
    }

    private static Labels learnt(List<ImageRecord> records) {
        return Labels.ofClasses(records.stream().map(ImageRecord::labelled).toList());
    }

    private static List<Example> examples(List<ImageRecord> records, Labels labels, Preprocessing p, Augmentation a) {
        return new RecordEncoder(new ImageInput(p, a), TaskType.IMAGE_CLS, 0, labels)
                .encode(records.stream().map(ImageRecord::labelled).toList())
                .examples();
    }

    @Test
    void labels_are_learnt_of_a_new_head_and_checked_against_a_known_one() throws IOException {
        put("cat/a.png", PNG);
        put("dog/a.png", PNG);
        List<ImageRecord> records = read(dir);
        Labels known = new Labels(
                ProblemType.SINGLE_LABEL_CLASSIFICATION,
                List.of("dog", "bird", "cat").size(),
                List.of("dog", "bird", "cat"));
        Preprocessing p = Preprocessing.of(3);
        List<Example> examples = examples(records, known, p, Augmentation.none());
        assertEquals(2, ((Targets.Classes) examples.get(0).targets()).classes()[0]);
        assertEquals(0, ((Targets.Classes) examples.get(1).targets()).classes()[0]);
        Labels others = new Labels(
                ProblemType.SINGLE_LABEL_CLASSIFICATION, List.of("dog", "bird").size(), List.of("dog", "bird"));
        refused(
                dir.resolve("cat/a.png") + ": the label cat was found",
                () -> examples(records, others, p, Augmentation.none()));
        ImageRecord without = ImageRecord.of(Picture.of(1, 1, 1, new byte[1]), null, "somewhere");
        refused("no label", () -> learnt(List.of(without)));
    }

    @Test
    void pictures_of_several_sizes_need_one_size_to_be_prepared_to() throws IOException {
        List<ImageRecord> records = List.of(
                ImageRecord.of(Picture.of(1, 6, 3, new byte[18]), "a", "first"),
                ImageRecord.of(Picture.of(1, 3, 6, new byte[18]), "b", "second"));
        Labels labels = learnt(records);
        Preprocessing open = Preprocessing.of(1).withResize(Resize.shortestEdge(2), Resampling.BOX);
        refused("second: images of one size are read", () -> examples(records, labels, open, Augmentation.none()));
        assertEquals(
                2,
                Batch.of(examples(records, labels, open.withCrop(2, 2), Augmentation.none()))
                        .size());
    }

    @Test
    void files_are_decoded_when_a_batch_needs_them_and_named_when_they_are_gone() throws IOException {
        Path file = put("cat/a.png", PNG);
        ImageRecord record = ImageRecord.of(file, "cat");
        VariedImage example = record.example(null, Preprocessing.of(3), Augmentation.none());
        ImageBatch batch = (ImageBatch) Batch.of(List.of(example));
        assertEquals(9, batch.images().get(0).height());
        assertArrayEquals(batch.images().get(0).values(), example.inEpoch(5).values());
        Files.write(file, new byte[0]);
        UncheckedIOException e = assertThrows(UncheckedIOException.class, () -> example.inEpoch(6));
        assertTrue(String.valueOf(e.getMessage()).startsWith(file + ": "), e::getMessage);
        Files.delete(file);
        assertThrows(UncheckedIOException.class, example::fixed);
    }

    @Test
    void records_are_told_apart_by_file_preparation_and_pixels() {
        Picture one = Picture.of(1, 1, 2, new byte[] {1, 2});
        Preprocessing p = Preprocessing.of(1);
        String identity = identity(one, p, Augmentation.none());
        assertEquals(identity, identity(Picture.of(1, 1, 2, new byte[] {1, 2}), p, Augmentation.none()));
        assertNotEquals(identity, identity(Picture.of(1, 1, 2, new byte[] {2, 1}), p, Augmentation.none()));
        assertNotEquals(identity, identity(one, p.withScale(1), Augmentation.none()));
        assertNotEquals(identity, identity(one, p, Augmentation.none().withFlip(0.5)));
    }

    private static String identity(Picture picture, Preprocessing p, Augmentation augmentation) {
        return ImageRecord.of(picture, null, "").example(null, p, augmentation).identity();
    }
}

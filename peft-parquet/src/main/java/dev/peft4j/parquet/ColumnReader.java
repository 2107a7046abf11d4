package dev.peft4j.parquet;

import java.io.IOException;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The values of a column in a group of rows, one page in memory at a time. Each value has two levels: how much of its path is there (definition), and which list it
 * continues (repetition; 0 begins a row).
 *
 * <p>Melnik et al. 2010, <a href="https://research.google/pubs/dremel-interactive-analysis-of-web-scale-datasets-2/">Dremel</a>, section 4.
 */
final class ColumnReader {
    private static final int FIRST_WINDOW = 512;
    private static final int MAX_WINDOW = 16 << 20;

    private final Source source;
    private final Budget budget;
    private final Schema.Leaf leaf;
    private final ValueKind kind;
    private final int codec;
    private final long end;
    private long at;
    private long valuesLeft;
    private @Nullable Object @Nullable [] dictionary;

    private int pageLeft;
    private @Nullable RunReader repetitions;
    private @Nullable RunReader definitions;
    private Values values = () -> null;

    private boolean isLoaded;
    private int repetition;
    private int definition;

    ColumnReader(Source source, Budget budget, Schema.Leaf leaf, Footer.Chunk chunk) throws ParquetProblem {
        this.source = source;
        this.budget = budget;
        this.leaf = leaf;
        if (chunk.type() != leaf.element().type()) {
            throw damaged("its type is " + leaf.element().type() + ", and " + chunk.type() + " in a group of rows");
        }
        if (chunk.values() < 0
                || chunk.bytes() < 0
                || chunk.begin() < 0
                || chunk.begin() > source.size() - chunk.bytes()) {
            throw damaged(chunk.values() + " values are in " + chunk.bytes() + " bytes from byte " + chunk.begin()
                    + " on, and the file has " + source.size() + " bytes");
        }
        try {
            kind = new ValueKind(PhysicalType.of(chunk.type()), leaf.element());
        } catch (ParquetProblem e) {
            throw e.in(leaf.place().toString());
        }
        codec = chunk.codec();
        at = chunk.begin();
        end = at + chunk.bytes();
        valuesLeft = chunk.values();
    }

    private ParquetProblem damaged(String found) {
        return ParquetProblem.damaged(found).in(leaf.place().toString());
    }

    /** Level of the next value: which list it continues; 0 if there is none. */
    int repetition() throws IOException {
        if (!isLoaded && valuesLeft == 0) {
            return 0;
        }
        load();
        return repetition;
    }

    /** Level of the next value: how much of its path is there. */
    int definition() throws IOException {
        load();
        return definition;
    }

    /** Takes the next value, which is there. */
    @Nullable
    Object value() throws IOException {
        load();
        isLoaded = false;
        try {
            return values.next();
        } catch (ParquetProblem e) {
            throw e.in(leaf.place().toString());
        }
    }

    /**
     * Takes the next value, which stands for a list that has no element, or for nothing.
     *
     * @param above level from which on the group or list around is there, as it is
     * @param below level from which on there would be something
     */
    void absent(int above, int below) throws IOException {
        if (definition() >= below) {
            throw damaged("it has a value where the columns beside it have none");
        }
        if (definition() < above) {
            throw damaged("it has nothing where its group or list is there");
        }
        isLoaded = false;
    }

    /** Requires the next value to continue the same list as the columns beside it. */
    void requireRepetition(int level) throws IOException {
        if (repetition() != level) {
            throw damaged("its lists have other lengths than those of the columns beside it");
        }
    }

    /** Requires that nothing is left behind the last row. */
    void requireEnd() throws ParquetProblem {
        if (isLoaded || valuesLeft != 0) {
            throw damaged("it has more values than its group has rows");
        }
    }

    private void load() throws IOException {
        if (isLoaded) {
            return;
        }
        if (valuesLeft == 0) {
            throw damaged("it has fewer values than its group has rows");
        }
        try {
            while (pageLeft == 0) {
                readPage();
            }
            repetition = repetitions == null ? 0 : repetitions.next();
            definition = definitions == null ? 0 : definitions.next();
        } catch (ParquetProblem e) {
            throw e.in(leaf.place().toString());
        }
        if (repetition > leaf.repetition() || definition > leaf.definition()) {
            throw damaged("a value has the levels " + repetition + " and " + definition + ", and " + leaf.repetition()
                    + " and " + leaf.definition() + " are the most");
        }
        pageLeft--;
        valuesLeft--;
        isLoaded = true;
    }

    private void readPage() throws IOException {
        PageHeader header = readHeader();
        if (header.packed() > end - at) {
            throw ParquetProblem.damaged("a page has " + header.packed() + " bytes, and " + (end - at) + " are left");
        }
        budget.bytes((long) header.packed() + header.unpacked());
        byte[] packed = source.read(at, header.packed());
        at += header.packed();
        requireChecksum(header, packed);
        switch (header.type()) {
            case PageHeader.DATA -> first(header, new Bytes(Codec.unpack(codec, packed, header.unpacked())));
            case PageHeader.DATA_V2 -> second(header, new Bytes(packed));
            case PageHeader.DICTIONARY -> dictionary(header, new Bytes(Codec.unpack(codec, packed, header.unpacked())));
            default -> {} // of an index, or of a later version
        }
    }

    /** How long a header is, only its end tells. */
    private PageHeader readHeader() throws IOException {
        for (long window = FIRST_WINDOW; ; window *= 8) {
            long n = Math.min(window, end - at);
            budget.bytes(n);
            Bytes bytes = new Bytes(source.read(at, n));
            try {
                PageHeader header = PageHeader.read(new ThriftReader(bytes));
                at += bytes.position();
                return header;
            } catch (ParquetProblem e) {
                if (n < window || window > MAX_WINDOW) {
                    throw e;
                }
            }
        }
    }

    private static void requireChecksum(PageHeader header, byte[] packed) throws ParquetProblem {
        if (header.checksum() != null) {
            CRC32 found = new CRC32();
            found.update(packed);
            if ((int) found.getValue() != header.checksum()) {
                throw ParquetProblem.damaged("the checksum of a page is another one than that of its bytes");
            }
        }
    }

    private void dictionary(PageHeader header, Bytes bytes) throws ParquetProblem {
        int n = header.values();
        int smallest = kind.type() == PhysicalType.BYTES
                ? Integer.BYTES
                : kind.type().size(leaf.element().length());
        if (dictionary != null || smallest == 0 || n > bytes.left() / smallest) {
            throw ParquetProblem.damaged("a dictionary of " + n + " values is in " + bytes.left()
                    + " bytes, or a second one, or one of truth values");
        }
        budget.objects(n);
        Values entries = Values.of(Values.PLAIN, kind, bytes, n, null, budget);
        @Nullable Object[] read = new @Nullable Object[n];
        for (int i = 0; i < n; i++) {
            read[i] = entries.next();
        }
        dictionary = read;
    }

    private void count(PageHeader header) throws ParquetProblem {
        if (header.values() > valuesLeft) {
            throw ParquetProblem.damaged("a page has " + header.values() + " values, and " + valuesLeft + " are left");
        }
        budget.values(header.values());
        pageLeft = header.values();
    }

    /** A page of the first version: lengths stand in front of the levels. */
    private void first(PageHeader header, Bytes bytes) throws ParquetProblem {
        count(header);
        repetitions = levels(bytes, leaf.repetition(), header.levels()[1]);
        definitions = levels(bytes, leaf.definition(), header.levels()[0]);
        values = Values.of(header.encoding(), kind, bytes, header.values(), dictionary, budget);
    }

    private static @Nullable RunReader levels(Bytes bytes, int most, int encoding) throws ParquetProblem {
        if (most == 0) {
            return null;
        }
        if (encoding != Values.RLE) {
            throw ParquetProblem.unknown("levels are in the encoding " + encoding);
        }
        return new RunReader(bytes.slice(bytes.int32()), RunReader.widthOf(most));
    }

    /** A page of the second version: the levels are not packed, and their lengths stand in the header. */
    private void second(PageHeader header, Bytes bytes) throws ParquetProblem {
        count(header);
        Bytes repeated = bytes.slice(header.repetitionBytes());
        Bytes defined = bytes.slice(header.definitionBytes());
        repetitions = leaf.repetition() == 0 ? null : new RunReader(repeated, RunReader.widthOf(leaf.repetition()));
        definitions = leaf.definition() == 0 ? null : new RunReader(defined, RunReader.widthOf(leaf.definition()));
        int unpacked = header.unpacked() - header.repetitionBytes() - header.definitionBytes();
        if (unpacked < 0) {
            throw ParquetProblem.damaged("the levels of a page are longer than the page");
        }
        byte[] packed = bytes.take(bytes.left());
        Bytes rest = new Bytes(Codec.unpack(header.isPacked() ? codec : 0, packed, unpacked));
        values = Values.of(header.encoding(), kind, rest, header.values(), dictionary, budget);
    }
}

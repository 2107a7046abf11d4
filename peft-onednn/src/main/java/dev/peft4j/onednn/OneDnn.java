package dev.peft4j.onednn;

import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.tensor.HostConvolutions;
import dev.peft4j.core.tensor.HostProducts;
import dev.peft4j.core.tensor.NativeLibrary;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;

/**
 * oneDNN on processors of x86-64: products of 16 bits and of whole numbers where there are instructions for them, and those of single precision that it
 * computes faster than OpenBLAS; those of whole numbers not by AMX, where oneDNN 3.11 was seen to compute wrong ones in an emulator.
 * {@code ONEDNN_MAX_CPU_ISA=AVX2} makes it leave newer instructions alone.
 *
 * <p>The library is loaded once for the process. Safe for many threads.
 */
public final class OneDnn implements HostProducts {
    private static final NativeLibrary LIBRARY =
            new NativeLibrary("org.bytedeco:dnnl", "org/bytedeco/dnnl", 94, OneDnn::open);
    private static final int NARROW = 32; // rows or columns
    private static final int FEW_ROWS = Primitives.SMALLEST_PIECE;
    private static final int LONG = 64; // inner dimension
    private static final int SMALL = 512; // any side
    private static final int EVEN = 16; // so that lengths of sequences do not make too many products to compile
    private static final Map<Integer, String> INSTRUCTIONS = new TreeMap<>(Map.of(
            dnnl.dnnl_cpu_isa_sse41, "SSE4.1",
            dnnl.dnnl_cpu_isa_avx, "AVX",
            dnnl.dnnl_cpu_isa_avx2, "AVX2",
            dnnl.dnnl_cpu_isa_avx2_vnni, "AVX2-VNNI",
            dnnl.dnnl_cpu_isa_avx512_core, "AVX-512",
            dnnl.dnnl_cpu_isa_avx512_core_vnni, "AVX512-VNNI",
            dnnl.dnnl_cpu_isa_avx512_core_bf16, "AVX512-BF16",
            dnnl.dnnl_cpu_isa_avx512_core_amx, "AMX"));

    private static final HostConvolutions CONVOLUTIONS = new DirectConvolutions();

    private volatile Set<Format> formats = Set.of();

    /** For the service loader; loads nothing. */
    public OneDnn() {}

    @Override
    public String name() {
        return "onednn";
    }

    @Override
    public String load() {
        String platform = Loader.getPlatform();
        if (!platform.endsWith("-x86_64")) {
            throw new BackendException("oneDNN was to be used on " + platform
                    + ", and its products have been measured on x86-64 only. Leave out dev.peft4j:peft-onednn there, or set"
                    + " -Dpeft4j.engine=openblas.");
        }
        LIBRARY.load();
        dnnl_version_t version = dnnl.dnnl_version();
        String found = version.major() + "." + version.minor();
        String expected = dnnl.DNNL_VERSION_MAJOR + "." + dnnl.DNNL_VERSION_MINOR;
        if (!found.equals(expected)) {
            throw new BackendException("oneDNN " + expected + " was to be used, and the library that is loaded is "
                    + found + ". Take org.bytedeco:dnnl and its natives in one version, that of dev.peft4j:peft-bom.");
        }
        OpenMp.require();
        int instructions = dnnl.dnnl_get_effective_cpu_isa();
        if (!covers(instructions, dnnl.dnnl_cpu_isa_avx2)) {
            throw new BackendException(
                    "oneDNN was to be used, and this processor, or ONEDNN_MAX_CPU_ISA, has no AVX2. Set"
                            + " -Dpeft4j.engine=openblas.");
        }
        formats = formats(instructions);
        return "oneDNN " + found + " (" + describe(instructions) + ")";
    }

    private static void open() {
        Loader.load(dnnl.class);
        Engine.HANDLE.isNull(); // makes it
    }

    /** Whether a set of instructions has all those of another. */
    private static boolean covers(int instructions, int others) {
        return (instructions & others) == others;
    }

    /** Without VNNI, sums of two products of whole numbers are cut at 16 bits. */
    private static Set<Format> formats(int instructions) {
        Set<Format> all = EnumSet.of(Format.F32);
        boolean hasVnni = covers(instructions, dnnl.dnnl_cpu_isa_avx512_core_vnni)
                || covers(instructions, dnnl.dnnl_cpu_isa_avx2_vnni);
        if (hasVnni && !covers(instructions, dnnl.dnnl_cpu_isa_avx512_core_amx)) {
            all.add(Format.INT8);
        }
        if (covers(instructions, dnnl.dnnl_cpu_isa_avx512_core_bf16)) {
            all.add(Format.BF16);
        }
        return Set.copyOf(all);
    }

    private static String describe(int instructions) {
        String best = "";
        for (Map.Entry<Integer, String> e : INSTRUCTIONS.entrySet()) {
            best = covers(instructions, e.getKey()) ? e.getValue() : best;
        }
        return best;
    }

    @Override
    public boolean has(Format format) {
        return formats.contains(format);
    }

    /**
     * Where an operand or the result is narrow, OpenBLAS packs more than it computes, and where a few rows meet a weight (N, K) too: 1.5 to 2.5 times as fast on
     * two AVX2 cores. Products whose sides are all small, as those of attention, are 1.1 to 1.4 times as fast; others are about equal, or slower. One row is a
     * product with a vector, at the speed of memory either way. What tokens leave over behind whole pieces is not worth a product of its own, which would have
     * to be compiled.
     */
    @Override
    public int faster(boolean transposeA, boolean transposeB, int m, int n, int k) {
        if (m == 1 || k < LONG) {
            return 0;
        }
        int tokens = transposeA ? k : m;
        if (n <= NARROW || (transposeA && m <= NARROW)) {
            return tokens / Primitives.SMALLEST_PIECE * Primitives.SMALLEST_PIECE;
        }
        if (isSmall(tokens, Primitives.SMALLEST_PIECE) && isSmall(transposeA ? m : k, EVEN) && isSmall(n, EVEN)) {
            return tokens;
        }
        return !transposeA && transposeB && m <= FEW_ROWS ? m : 0;
    }

    private static boolean isSmall(int side, int unit) {
        return side <= SMALL && side % unit == 0;
    }

    @Override
    public HostConvolutions convolutions() {
        return CONVOLUTIONS;
    }

    @Override
    public void compute(Product product, WorkingMemory memory) {
        onThisThread(() -> {
            Primitives.ofThisThread().compute(product, memory);
            return product;
        });
    }

    /** Runs something on the calling thread alone. */
    static <T> T onThisThread(Supplier<T> computation) {
        int before = OpenMp.threads();
        if (before != 1) { // of this thread alone; it is somebody else's
            OpenMp.setThreads(1);
        }
        try {
            return computation.get();
        } finally {
            if (before != 1) {
                OpenMp.setThreads(before);
            }
        }
    }

    /** The processor, as oneDNN calls it; made when the library is there. */
    static final class Engine {
        static final dnnl_engine HANDLE = make();

        private Engine() {}

        private static dnnl_engine make() {
            dnnl_engine engine = new dnnl_engine();
            Primitives.check(dnnl.dnnl_engine_create(engine, dnnl.dnnl_cpu, 0), "engine");
            return engine;
        }
    }
}

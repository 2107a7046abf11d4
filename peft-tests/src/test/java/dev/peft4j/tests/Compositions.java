package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.util.List;

/** What tests of several adapters share. */
final class Compositions {
    static final int[][] IDS = {{5, 9, 2, 7, 30, 4}, {11, 3}, {8, 8, 1}};

    private Compositions() {}

    static Model open(String family) throws IOException {
        return Models.load(Methods.MODELS.resolve(family), Backend.host(), 0, 0);
    }

    static Adapter adapter(Model model, PeftConfig config, long seed) {
        Adapter a = AdapterFiles.method(config.peftType()).create(config, model, seed);
        Methods.randomise(a, seed);
        return a;
    }

    static float[] logits(Model model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), PackedBatch.of(IDS))
                    .value()
                    .toFloats();
        }
    }

    /** What may throw an exception. */
    interface Body<E extends Exception> {
        void run() throws E;
    }

    /** Runs something while adapters of this thread are disabled; all of them, if none is named. */
    @SuppressWarnings("try") // the scope is only there to be closed
    static <E extends Exception> void without(PeftModel peft, Body<E> body, String... names) throws E {
        try (PeftModel.Scope off = names.length == 0 ? peft.disable() : peft.disable(names)) {
            body.run();
        }
    }

    static double distance(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double worst = 0;
        for (int i = 0; i < a.length; i++) {
            worst = Math.max(worst, Math.abs(a[i] - b[i]));
        }
        return worst;
    }

    static String message(Class<? extends Exception> type, org.junit.jupiter.api.function.Executable action) {
        return String.valueOf(assertThrows(type, action).getMessage());
    }
}

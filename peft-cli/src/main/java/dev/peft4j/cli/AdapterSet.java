package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.ModelInput;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Makes the adapters of a run by the options of the command line. */
final class AdapterSet {
    private AdapterSet() {}

    /** One that is there, and alone. */
    static TrainedAdapters of(Adapter adapter) {
        TrainedAdapters set = new TrainedAdapters(List.of());
        set.add(adapter.config().peftType(), adapter);
        return set;
    }

    /**
     * New adapters of the methods that were asked for; one of all that are active together trains the head of a classifier.
     *
     * @param below directories of adapters that stay as they are
     */
    static TrainedAdapters create(MethodOptions methods, List<Path> below, Model model, ModelInput input, long seed)
            throws IOException {
        TrainedAdapters set = new TrainedAdapters(ModelOptions.adapters(below, model));
        try {
            if (methods.isFull()) {
                set.add(MethodOptions.FULL, new FullFineTuning(model));
                return set;
            }
            int made = 0;
            for (String name : methods.names()) {
                set.add(name, methods.create(name, model, input, seed + made++, !set.hasHead(model)));
            }
            return set;
        } catch (RuntimeException e) {
            set.close();
            throw e;
        }
    }
}

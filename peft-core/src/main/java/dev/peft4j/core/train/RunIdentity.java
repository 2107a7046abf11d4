package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What has to be equal for the same run to go on.
 *
 * @param adapters all that are active
 * @param trained those of them that are trained
 * @param strategy or null for none
 */
record RunIdentity(
        Model model,
        List<Adapter> adapters,
        List<Adapter> trained,
        TrainingConfig config,
        Objective objective,
        @Nullable Strategy strategy) {

    /** Names and values, by which a run that goes on is compared. */
    Map<String, String> of(List<? extends Example> records, List<? extends Example> heldOut, int steps)
            throws IOException {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("seed", String.valueOf(config.seed()));
        if (strategy != null) {
            s.put("strategy", strategy.toString());
        }
        s.put("batch_size", String.valueOf(config.batchSize()));
        s.put("group_by_length", String.valueOf(config.groupByLength()));
        s.put("accumulation", String.valueOf(config.accumulation()));
        s.put("steps", String.valueOf(steps)); // which follow from those above
        s.put("learning_rate", String.valueOf(config.learningRate()));
        s.put("schedule", String.valueOf(config.schedule()));
        s.put("warm-up", String.valueOf(config.warmup()));
        s.put("weight_decay", String.valueOf(config.weightDecay()));
        s.put("optimizer", config.optimizer() + ", decays " + config.decay());
        Map<String, Object> head = model.head().fields();
        s.put("loss", objective.name() + (head.isEmpty() ? "" : " of " + head));
        s.put("mixup", config.mixup() == null ? TrainerState.NOTHING : String.valueOf(config.mixup()));
        s.put("max_grad_norm", String.valueOf(config.maxGradNorm()));
        s.put("steps_between_evaluations", String.valueOf(config.evaluateEvery()));
        s.put("patience", String.valueOf(config.patience()));
        s.put("records", String.valueOf(records.size()));
        s.put("hash_of_the_records", Fingerprint.of(records));
        s.put("hash_of_the_held-out_records", Fingerprint.of(heldOut));
        s.put("hash_of_the_adapters", Fingerprint.of(model, adapters));
        Set<String> resting = new LinkedHashSet<>(model.tensorNames());
        trained.stream()
                .flatMap(a -> a.parameters().stream())
                .filter(Parameter::isLent)
                .forEach(p -> resting.remove(p.name()));
        if (!resting.isEmpty()) {
            s.put("hash_of_the_base", Fingerprint.of(model, resting));
        }
        return s;
    }
}

package dev.peft4j.examples;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Serves many adapters on one base: an adapter for each kind of restaurant, trained on its own records, and requests of several threads that each name the adapter
 * to answer with.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.ServeAdapters MODEL DATA OUT STEPS
 * </pre>
 *
 * <p>MODEL: stories260k or another GPT-2 or Llama; DATA: a CSV file with the columns mr and ref; OUT: a new directory; STEPS of each adapter: 100.
 *
 * <p>Takes a minute or two on two cores, and 800 MB; the perplexity of the held-out records falls from 82 or more to 3 with each adapter.
 */
public final class ServeAdapters {
    private static final List<String> FOODS = List.of("Italian", "French", "Indian", "Japanese");

    private ServeAdapters() {}

    /** Trains the adapters, then answers with all of them at the same time. */
    public static void main(String[] args) throws Exception {
        Path base = Path.of(args.length > 0 ? args[0] : "../shared/models/stories260k");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/e2e/trainset.csv.gz");
        Path out = Path.of(args.length > 2 ? args[2] : "run/foods");
        int steps = args.length > 3 ? Integer.parseInt(args[3]) : 100;
        List<TextRecord> all =
                RecordReader.defaults().withPrompt("mr").withText("ref").read(file);

        LoraConfig lora = LoraConfig.of(8, 16).withTarget(TargetModules.allLinearLayers());

        try (TextModel model = TextModel.open(base)) {
            for (String food : FOODS) {
                List<TextRecord> own =
                        all.stream().filter(r -> r.text().contains(food)).toList();
                Training training = Training.steps(steps)
                        .learningRate(5e-3)
                        .outputDir(out.resolve(food))
                        .overwrite();
                try (FineTuned tuned = model.fineTune(lora, Dataset.of(own), training)) {
                    System.out.println(food + "\n" + tuned.report());
                }
                model.load(food, out.resolve(food)); // more can be loaded and unloaded while others answer
            }

            List<Callable<String>> requests = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                String food = FOODS.get(i % FOODS.size());
                String facts = "name[The Mill], food[" + food + "], area[riverside]\n";
                requests.add(() -> food + ": " + model.with(food).generate(facts, GenerationConfig.greedy(40)));
            }
            ExecutorService threads = Executors.newFixedThreadPool(4);
            long start = System.nanoTime();
            List<Future<String>> answers = threads.invokeAll(requests);
            double seconds = (System.nanoTime() - start) / 1e9;
            threads.shutdown();
            for (Future<String> answer : answers.subList(0, FOODS.size())) {
                System.out.println(answer.get().strip());
            }
            System.out.printf("%d requests of 4 threads in %.1f s%n", answers.size(), seconds);
        }
    }
}

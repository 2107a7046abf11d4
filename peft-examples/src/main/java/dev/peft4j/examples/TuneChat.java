package dev.peft4j.examples;

import dev.peft4j.ChatGeneration;
import dev.peft4j.Conversations;
import dev.peft4j.FineTuned;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.chat.Chat;
import dev.peft4j.models.chat.ChatMessage;
import dev.peft4j.models.data.RecordReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Tunes an instruction model on conversations: what is known of a restaurant, and a sentence about it. They are rendered by the chat template of the checkpoint, and only
 * the answers are learnt.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.TuneChat MODEL DATA HELD_OUT OUT STEPS
 * </pre>
 *
 * <p>MODEL: SmolLM2-135M-Instruct or another one with a chat template; DATA, HELD_OUT: CSV files with the columns mr and ref; OUT: a new directory; STEPS: 60.
 *
 * <p>Takes five to nine minutes on two cores, and 2.9 GB; the loss on the first 150 held-out answers falls from 2.28 to 1.30.
 */
public final class TuneChat {
    private static final int HELD_OUT = 150;

    private TuneChat() {}

    /** Trains, saves, and answers. */
    public static void main(String[] args) throws IOException {
        Path base = Path.of(args.length > 0 ? args[0] : "smollm2");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/e2e/trainset.csv.gz");
        Path heldOut = Path.of(args.length > 2 ? args[2] : "../shared/data/e2e/testset_w_refs.csv.gz");
        Path out = Path.of(args.length > 3 ? args[3] : "run/chat");
        int steps = args.length > 4 ? Integer.parseInt(args[4]) : 60;

        // a file with messages is read by Conversations.read; here an application makes them of what it has
        Conversations data =
                Conversations.of(chats(file, Integer.MAX_VALUE)).heldOut(Conversations.of(chats(heldOut, HELD_OUT)));
        LoraConfig lora = LoraConfig.of(8, 16).withTarget(TargetModules.allLinearLayers());
        Training training = Training.steps(steps)
                .batchSize(8)
                .learningRate(5e-4)
                .schedule(Schedule.CONSTANT, 0)
                .outputDir(out)
                .overwrite();

        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(lora, data, training)) {
            System.out.println(tuned.report());
            ChatMessage question =
                    ChatMessage.user("name[The Mill], food[Indian], area[riverside], rating[5 out of 5]");
            ChatGeneration before = model.chat();
            System.out.println("before: " + before.reply(List.of(question), GenerationConfig.greedy(60)));
            System.out.println("after:  " + tuned.chat().reply(List.of(question), GenerationConfig.greedy(60)));
        }
    }

    private static List<Chat> chats(Path file, int most) throws IOException {
        RecordReader columns =
                RecordReader.defaults().withPrompt("mr").withText("ref").withSeparator("");
        return columns.read(file, most).stream()
                .map(r -> Chat.of(ChatMessage.user(r.prompt()), ChatMessage.assistant(r.text())))
                .toList();
    }
}

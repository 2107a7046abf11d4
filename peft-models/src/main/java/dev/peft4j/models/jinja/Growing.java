package dev.peft4j.models.jinja;

/** A text that grows, up to what a run allows. */
final class Growing {
    private final Run run;
    private final StringBuilder text = new StringBuilder();

    Growing(Run run) {
        this.run = run;
    }

    void add(String more) {
        run.spendText(more.length());
        run.requireLength((long) text.length() + more.length());
        text.append(more);
    }

    int length() {
        return text.length();
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

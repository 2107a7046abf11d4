package dev.peft4j.tests;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;

/** Threads of ND4J for one operation cost ten times as long as the operation on nine rows: they wait for each other, spinning. */
final class OneNd4jThread implements BeforeAllCallback, AfterAllCallback {
    private int threads;
    private int masterThreads;

    @Override
    public void beforeAll(ExtensionContext context) {
        Environment nd4j = Nd4j.getEnvironment();
        threads = nd4j.maxThreads();
        masterThreads = nd4j.maxMasterThreads();
        nd4j.setMaxMasterThreads(1);
        nd4j.setMaxThreads(1);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Nd4j.getEnvironment().setMaxThreads(threads);
        Nd4j.getEnvironment().setMaxMasterThreads(masterThreads);
    }
}

package bench;

import com.netflix.conductor.client.automator.TaskRunnerConfigurer;
import com.netflix.conductor.client.http.ConductorClient;
import com.netflix.conductor.client.http.ConnectionPoolConfig;
import com.netflix.conductor.client.http.TaskClient;
import com.netflix.conductor.client.worker.Worker;
import com.netflix.conductor.common.metadata.tasks.Task;
import com.netflix.conductor.common.metadata.tasks.TaskResult;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The client program on the Java SDK: NoopWorker URL SLOTS INTERVAL_MILLIS UPDATE_V2.
 * INTERVAL_MILLIS 0: the SDK's own, and its own connection pool. UPDATE_V2: true or false.
 */
public final class NoopWorker implements Worker {
    private final int interval;

    private NoopWorker(int interval) {
        this.interval = interval;
    }

    @Override
    public String getTaskDefName() {
        return "bench_0";
    }

    @Override
    public int getPollingInterval() {
        return interval > 0 ? interval : Worker.super.getPollingInterval();
    }

    @Override
    public TaskResult execute(Task task) {
        TaskResult result = new TaskResult(task);
        result.setStatus(TaskResult.Status.COMPLETED);
        result.setOutputData(task.getInputData());
        return result;
    }

    public static void main(String[] arguments) throws InterruptedException {
        System.setProperty("conductor.worker.all.taskUpdateV2", arguments[3]);
        int slots = Integer.parseInt(arguments[1]);
        int interval = Integer.parseInt(arguments[2]);
        ConductorClient.Builder<?> client = ConductorClient.builder().basePath(arguments[0]);
        if (interval > 0) {
            // By default 5 idle ones are kept, and every other post would make a connection of its own.
            client.connectionPoolConfig(new ConnectionPoolConfig(slots + 1, 5, TimeUnit.MINUTES));
        }
        Worker worker = new NoopWorker(interval);
        new TaskRunnerConfigurer.Builder(new TaskClient(client.build()), List.of(worker))
                .withThreadCount(slots) // without it the SDK polls nothing
                .build()
                .init();
        Thread.currentThread().join();
    }
}

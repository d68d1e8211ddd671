// Three ways to wait: prints after how many seconds each is over.
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

public class Sleeps {
    static final long BEGAN = System.nanoTime();

    static void at(String what) {
        System.out.println(what + " " + (System.nanoTime() - BEGAN) / 1_000_000_000);
    }

    public static void main(String[] words) throws Exception {
        Thread.sleep(100_000);
        at("sleep");
        Object lock = new Object();
        synchronized (lock) {
            lock.wait(50_000);
        }
        at("wait");
        new CountDownLatch(1).await(20, TimeUnit.SECONDS);
        at("await");
    }
}

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Makes clients of one broker. */
final class Client {
    /** Bounds every wait for something that has to happen. */
    static final Duration PATIENCE = Duration.ofSeconds(120);

    /** Begins the names of the quotas that {@link #settle} sets. */
    private static final String SETTLED = "settled-";

    private static final AtomicLong SETTLES = new AtomicLong();

    final String broker;

    Client(String broker) {
        this.broker = broker;
    }

    Map<String, Object> settings(Object... pairs) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", broker);
        settings.put("reconnect.backoff.max.ms", "200");
        settings.put("default.api.timeout.ms", "" + PATIENCE.toMillis());
        settings.put("max.block.ms", "" + PATIENCE.toMillis());
        settings.put("delivery.timeout.ms", "" + PATIENCE.toMillis()); // over the restart of a broker on a busy machine
        for (int i = 0; i < pairs.length; i += 2) {
            settings.put((String) pairs[i], pairs[i + 1]);
        }
        return settings;
    }

    Admin admin(Object... pairs) {
        return Admin.create(settings(pairs));
    }

    KafkaProducer<String, String> producer(Object... pairs) {
        Map<String, Object> settings = settings(pairs);
        settings.putIfAbsent("linger.ms", "0");
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    /** A consumer that begins at the start, and commits only when told to. */
    KafkaConsumer<String, String> consumer(Object... pairs) {
        Map<String, Object> settings = settings("auto.offset.reset", "earliest", "enable.auto.commit", "false");
        settings.putAll(settings(pairs));
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    /** The broker's id. */
    int node() throws Exception {
        try (Admin admin = admin()) {
            return admin.describeCluster().nodes().get().iterator().next().id();
        }
    }

    /**
     * Creates topics of some partitions, and waits until the broker leads them: what is sent to one before without a wish for
     * an acknowledgement is lost.
     */
    void topics(int partitions, String... names) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(Arrays.stream(names).map(n -> new NewTopic(n, partitions, (short) 1)).collect(Collectors.toList())).all()
                .get();
            settle(admin);
        }
    }

    /**
     * Waits until the broker has learnt of every change that was answered before. Apache Kafka's controller answers a change,
     * and its broker follows later; it describes what changed before its partitions and limits have followed. Changes are
     * followed one after the other: once a second one is described, the first is followed in all.
     */
    static void settle(Admin admin) throws Exception {
        ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, SETTLED + Thread.currentThread().getId()));
        for (int i = 0; i < 2; i++) {
            double rate = 1e9 + SETTLES.incrementAndGet();
            ClientQuotaAlteration.Op set = new ClientQuotaAlteration.Op("consumer_byte_rate", rate);
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(set)))).all().get();
            until("settled", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get()
                .getOrDefault(entity, Map.of()).containsValue(rate));
        }
    }

    /** The quotas, but for those that {@link #settle} sets, and the tools' scenario. */
    static Map<ClientQuotaEntity, Map<String, Double>> quotas(Admin admin, ClientQuotaFilter filter) throws Exception {
        Map<ClientQuotaEntity, Map<String, Double>> quotas = new HashMap<>(admin.describeClientQuotas(filter).entities().get());
        quotas.keySet().removeIf(e -> e.toString().contains("tools") || e.toString().contains(SETTLED));
        return quotas;
    }

    /** Sends values "0", "1" and so on, keyed alike, to a partition of a topic. */
    void fill(String topic, int partition, int records) throws Exception {
        try (KafkaProducer<String, String> producer = producer("linger.ms", "5")) {
            List<java.util.concurrent.Future<?>> sent = new ArrayList<>();
            for (int i = 0; i < records; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, partition, 1000L + i, "" + i, "" + i)));
            }
            for (java.util.concurrent.Future<?> one : sent) {
                one.get();
            }
        }
    }

    /** Polls until that many records were there, and gives their values. */
    static List<String> take(KafkaConsumer<String, String> consumer, int records) throws Exception {
        List<String> values = new ArrayList<>();
        until("take", () -> {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50))) {
                values.add(record.value());
            }
            return values.size() >= records;
        });
        return values;
    }

    /** Asks until it is so. Errors that pass are none. */
    static void until(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        Throwable last = null;
        do {
            try {
                if (condition.call()) {
                    return;
                }
                last = null;
            } catch (ExecutionException e) {
                last = e;
            }
            Thread.sleep(20);
        } while (System.nanoTime() < end);
        throw new AssertionError(what + ": not within " + PATIENCE + (last == null ? "" : ", " + Report.failure(last)));
    }

    /** What came of each of some futures: a value or an error. */
    static <K, V> Map<K, Object> each(Map<K, KafkaFuture<V>> futures) throws InterruptedException {
        Map<K, Object> outcomes = new HashMap<>();
        for (Map.Entry<K, KafkaFuture<V>> future : futures.entrySet()) {
            try {
                V value = future.getValue().get();
                outcomes.put(future.getKey(), value == null ? "done" : value);
            } catch (ExecutionException e) {
                outcomes.put(future.getKey(), e);
            }
        }
        return outcomes;
    }

    static List<String> sorted(Collection<String> values) {
        return values.stream().sorted().collect(Collectors.toList());
    }
}

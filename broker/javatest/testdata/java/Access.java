import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.DelegationTokenDisabledException;
import org.apache.kafka.common.errors.UnsupportedByAuthenticationException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Admin on quotas, credentials, permissions and tokens. */
final class Access {
    private Access() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("admin/quotas", Access::quotas);
        all.put("admin/scram", Access::scram);
        all.put("admin/acls", Access::acls);
        all.put("admin/delegation-tokens", Access::tokens);
    }

    private static void quotas(Client client, Report report) throws Exception {
        ClientQuotaEntity user = entity("user", "ann");
        ClientQuotaEntity anyone = entity("user", null);
        ClientQuotaEntity app = entity("client-id", "app");
        Map<String, ClientQuotaFilter> filters = new java.util.LinkedHashMap<>();
        filters.put("all", ClientQuotaFilter.all());
        filters.put("of the user", ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntity("user", "ann"))));
        filters.put("of the default", ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofDefaultEntity("user"))));
        filters.put("of users", ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntityType("user"))));
        filters.put("of users only", ClientQuotaFilter.containsOnly(List.of(ClientQuotaFilterComponent.ofEntityType("user"))));
        try (Admin admin = client.admin()) {
            report.tries("none", () -> Client.quotas(admin, ClientQuotaFilter.all()));
            for (ClientQuotaEntity entity : List.of(user, anyone, app)) {
                report.tries("set " + entity, () -> quota(admin, entity, "producer_byte_rate", 1e9));
            }
            report.tries("unknown quota", () -> quota(admin, user, "no_such_rate", 1.0));
            report.tries("no rate", () -> quota(admin, user, "producer_byte_rate", -1.0));
            report.tries("unknown entity", () -> quota(admin, entity("shoe-size", "44"), "producer_byte_rate", 1.0));
            Client.settle(admin);
            for (Map.Entry<String, ClientQuotaFilter> filter : filters.entrySet()) {
                report.tries(filter.getKey(), () -> Client.quotas(admin, filter.getValue()));
            }
            for (ClientQuotaEntity entity : List.of(user, anyone, app)) {
                report.tries("delete " + entity, () -> quota(admin, entity, "producer_byte_rate", null));
            }
            Client.settle(admin);
            report.tries("none left", () -> Client.quotas(admin, ClientQuotaFilter.all()));
        }
    }

    private static ClientQuotaEntity entity(String type, String name) {
        Map<String, String> entries = new HashMap<>();
        entries.put(type, name);
        return new ClientQuotaEntity(entries);
    }

    private static Collection<Object> quota(Admin admin, ClientQuotaEntity entity, String name, Double value) throws Exception {
        return Client.each(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op(name,
            value))))).values()).values();
    }

    private static void scram(Client client, Report report) throws Exception {
        ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        ScramCredentialInfo few = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 1);
        try (Admin admin = client.admin()) {
            report.tries("none", () -> admin.describeUserScramCredentials().all().get());
            report.tries("unknown user", () -> admin.describeUserScramCredentials(List.of("ann")).all().get());
            report.tries("set", () -> alter(admin, new UserScramCredentialUpsertion("ann", info, "secret")));
            report.tries("few iterations", () -> alter(admin, new UserScramCredentialUpsertion("bob", few, "secret")));
            report.tries("no name", () -> alter(admin, new UserScramCredentialUpsertion("", info, "secret")));
            Client.settle(admin);
            report.tries("users", () -> admin.describeUserScramCredentials().users().get());
            report.tries("described", () -> admin.describeUserScramCredentials(List.of("ann")).description("ann").get().credentialInfos()
                .stream()
                .map(i -> i.mechanism() + " " + i.iterations()).collect(Collectors.toList()));
            report.tries("deleted", () -> alter(admin, new UserScramCredentialDeletion("ann", ScramMechanism.SCRAM_SHA_256)));
            Client.settle(admin);
            report.tries("no users", () -> admin.describeUserScramCredentials().users().get());
            report.tries("deleted again", () -> alter(admin, new UserScramCredentialDeletion("ann", ScramMechanism.SCRAM_SHA_256)));
        }
    }

    private static Map<String, Object> alter(Admin admin, UserScramCredentialAlteration... alterations) throws Exception {
        return Client.each(admin.alterUserScramCredentials(Arrays.asList(alterations)).values());
    }

    private static void acls(Client client, Report report) throws Exception {
        ResourcePattern topic = new ResourcePattern(ResourceType.TOPIC, "acls", PatternType.LITERAL);
        AclBinding binding = new AclBinding(topic, new AccessControlEntry("User:ann", "*", AclOperation.READ, AclPermissionType.ALLOW));
        try (Admin admin = client.admin()) {
            report.tries("described", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
            report.tries("created", () -> Client.each(admin.createAcls(List.of(binding)).values()));
            report.tries("deleted", () -> Client.each(admin.deleteAcls(List.of(AclBindingFilter.ANY)).values()).values());
        }
    }

    private static void tokens(Client client, Report report) throws Exception {
        byte[] hmac = {1, 2, 3};
        try (Admin admin = client.admin()) {
            refused(report, "created", admin.createDelegationToken().delegationToken());
            refused(report, "described", admin.describeDelegationToken().delegationTokens());
            refused(report, "renewed", admin.renewDelegationToken(hmac).expiryTimestamp());
            refused(report, "expired", admin.expireDelegationToken(hmac).expiryTimestamp());
        }
    }

    /** Says which of the two reasons to have no tokens there is: Kafka without a login tells the second first. */
    private static void refused(Report report, String step, KafkaFuture<?> answer) {
        report.tries(step, () -> {
            try {
                return answer.get();
            } catch (ExecutionException e) {
                return e.getCause() instanceof DelegationTokenDisabledException
                    || e.getCause() instanceof UnsupportedByAuthenticationException ? "no tokens" : e;
            }
        });
    }
}

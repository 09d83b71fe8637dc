package conformance_test

import "github.com/twmb/franz-go/pkg/kmsg"

func configRequests() []kmsg.Request {
	value := func(s string) *string { return &s }
	describe := kmsg.NewPtrDescribeConfigsRequest()
	describe.IncludeSynonyms, describe.IncludeDocumentation = true, true
	plain := kmsg.NewPtrDescribeConfigsRequest()
	for kind, name := range map[kmsg.ConfigResourceType]string{
		kmsg.ConfigResourceTypeTopic: "full", kmsg.ConfigResourceTypeBroker: "0",
		kmsg.ConfigResourceTypeGroupConfig: "committed", kmsg.ConfigResourceTypeClientMetrics: "metrics",
	} {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kind, name
		describe.Resources, plain.Resources = append(describe.Resources, r), append(plain.Resources, r)
	}
	gone := kmsg.NewDescribeConfigsRequestResource()
	gone.ResourceType, gone.ResourceName = kmsg.ConfigResourceTypeTopic, "none"
	plain.Resources = append(plain.Resources, gone)

	alter := kmsg.NewPtrAlterConfigsRequest()
	alter.ValidateOnly = true
	change := kmsg.NewPtrIncrementalAlterConfigsRequest()
	change.ValidateOnly = true
	for _, topic := range []string{"full", "none"} {
		for name, to := range map[string]string{"retention.ms": "1000000", "no.such.setting": "1"} {
			whole := kmsg.NewAlterConfigsRequestResource()
			whole.ResourceType, whole.ResourceName = kmsg.ConfigResourceTypeTopic, topic
			whole.Configs = []kmsg.AlterConfigsRequestResourceConfig{{Name: name, Value: value(to)}}
			alter.Resources = append(alter.Resources, whole)
			one := kmsg.NewIncrementalAlterConfigsRequestResource()
			one.ResourceType, one.ResourceName = kmsg.ConfigResourceTypeTopic, topic
			one.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Value: value(to)}}
			change.Resources = append(change.Resources, one)
		}
	}
	list := kmsg.NewPtrListConfigResourcesRequest()
	return []kmsg.Request{describe, plain, alter, change, list}
}

func clusterRequests() []kmsg.Request {
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "test", "1"
	dirs := kmsg.NewPtrDescribeLogDirsRequest()
	dirs.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: "full", Partitions: []int32{0, 1}}}
	move := kmsg.NewPtrAlterReplicaLogDirsRequest()
	move.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{
		{Dir: "/no/such/folder", Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: "full", Partitions: []int32{0}}}},
	}
	elect := kmsg.NewPtrElectLeadersRequest()
	elect.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: "empty", Partitions: []int32{0}}, {Topic: "none", Partitions: []int32{0}}}
	reassign := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	reassign.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{
		{Topic: "full", Partitions: []kmsg.AlterPartitionAssignmentsRequestTopicPartition{{Partition: 0, Replicas: []int32{77}}, {Partition: 1}}},
	}
	quorum := kmsg.NewPtrDescribeQuorumRequest()
	quorum.Topics = []kmsg.DescribeQuorumRequestTopic{
		{Topic: "__cluster_metadata", Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{Partition: 0}}},
	}
	quotas := kmsg.NewPtrAlterClientQuotasRequest()
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entry.Entity = []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user"}}
	entry.Ops = []kmsg.AlterClientQuotasRequestEntryOp{{Key: "producer_byte_rate", Value: 1 << 20}}
	quotas.Entries, quotas.ValidateOnly = append(quotas.Entries, entry), true
	filter := kmsg.NewPtrDescribeClientQuotasRequest()
	filter.Components = []kmsg.DescribeClientQuotasRequestComponent{{EntityType: "user", MatchType: 2}}
	users := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	users.Deletions = []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "none", Mechanism: 1}}
	user := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	user.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{{Name: "none"}}
	features := kmsg.NewPtrUpdateFeaturesRequest()
	features.ValidateOnly = true
	features.FeatureUpdates = []kmsg.UpdateFeaturesRequestFeatureUpdate{{Feature: "no.such.feature", MaxVersionLevel: 1}}
	cluster := kmsg.NewPtrDescribeClusterRequest()
	cluster.IncludeClusterAuthorizedOperations = true
	acls := kmsg.NewPtrDescribeACLsRequest()
	acls.ResourceType, acls.Operation, acls.PermissionType = 1, 1, 1 // any of each
	acls.ResourcePatternType = 1
	token := kmsg.NewPtrPushTelemetryRequest()
	return []kmsg.Request{
		versions, dirs, kmsg.NewPtrDescribeLogDirsRequest(), move, elect, reassign, quorum, quotas, filter,
		kmsg.NewPtrDescribeClientQuotasRequest(),
		users, user, kmsg.NewPtrDescribeUserSCRAMCredentialsRequest(), features, cluster, acls, kmsg.NewPtrCreateACLsRequest(),
		kmsg.NewPtrDeleteACLsRequest(),
		kmsg.NewPtrListPartitionReassignmentsRequest(), kmsg.NewPtrGetTelemetrySubscriptionsRequest(), token,
		kmsg.NewPtrCreateDelegationTokenRequest(), kmsg.NewPtrRenewDelegationTokenRequest(),
		kmsg.NewPtrExpireDelegationTokenRequest(), kmsg.NewPtrDescribeDelegationTokenRequest(),
		kmsg.NewPtrSASLHandshakeRequest(), kmsg.NewPtrSASLAuthenticateRequest(),
	}
}

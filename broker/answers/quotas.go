package answers

import (
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(clusters.alterClientQuotas)
	on(clusters.describeClientQuotas)
	on(clusters.describeSCRAM)
}

// quotaKinds are the entities that Kafka has quotas for, and the quotas of each: true
// for those that are whole numbers.
var quotaKinds = map[string]map[string]bool{
	"user":      clientQuotas,
	"client-id": clientQuotas,
	"ip":        {"connection_creation_rate": true},
}

var clientQuotas = map[string]bool{
	"producer_byte_rate": true, "consumer_byte_rate": true, "request_percentage": false, "controller_mutation_rate": false,
}

// alterClientQuotas refuses the quotas that Kafka refuses. kfake takes any, which a
// quota it does not know does not limit.
func (clusters) alterClientQuotas(req *kmsg.AlterClientQuotasRequest) Exchange {
	var refused []kmsg.AlterClientQuotasResponseEntry
	req.Entries = slices.DeleteFunc(req.Entries, func(e kmsg.AlterClientQuotasRequestEntry) bool {
		p := quotaProblem(e)
		if p == nil {
			return false
		}
		answer := kmsg.NewAlterClientQuotasResponseEntry()
		answer.ErrorCode, answer.ErrorMessage = p.code, &p.text
		for _, part := range e.Entity {
			entity := kmsg.NewAlterClientQuotasResponseEntryEntity()
			entity.Type, entity.Name = part.Type, part.Name
			answer.Entity = append(answer.Entity, entity)
		}
		refused = append(refused, answer)
		return true
	})
	if len(refused) == 0 {
		return Exchange{}
	}
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.AlterClientQuotasResponse)
		a.Entries = append(a.Entries, refused...)
	}}
}

// quotaProblem says why quotas are refused; nil for not.
func quotaProblem(e kmsg.AlterClientQuotasRequestEntry) *problem {
	if len(e.Entity) == 0 {
		return problemf(kerr.InvalidRequest, "Invalid empty client quota entity")
	}
	var known map[string]bool
	for _, part := range e.Entity {
		quotas, ok := quotaKinds[part.Type]
		switch {
		case !ok:
			return problemf(kerr.InvalidRequest, "Unhandled client quota entity type: %s", part.Type)
		case part.Name != nil && *part.Name == "":
			return problemf(kerr.InvalidRequest, "Empty %s not supported", part.Type)
		case part.Type == "ip" && len(e.Entity) > 1:
			return problemf(kerr.InvalidRequest, "Invalid client quota entity: an ip stands alone")
		case part.Type == "ip" && part.Name != nil && net.ParseIP(*part.Name) == nil:
			return problemf(kerr.InvalidRequest, "%s is not a valid IP", *part.Name)
		}
		known = quotas
	}
	for _, op := range e.Ops {
		whole, ok := known[op.Key]
		switch {
		case op.Remove:
		case !ok:
			return problemf(kerr.InvalidRequest, "Invalid configuration key %s", op.Key)
		case op.Value <= 0:
			return problemf(kerr.InvalidRequest, "Quota %s must be greater than 0", op.Key)
		case whole && op.Value != float64(int64(op.Value)):
			return problemf(kerr.InvalidRequest, "%s cannot be a fractional value.", op.Key)
		}
	}
	return nil
}

// anyName is the match type of a filter that asks for an entity of any name.
const anyName = 2

// describeClientQuotas: of entities of any name, the default is one. kfake leaves it
// out, and so is asked for more than that.
func (clusters) describeClientQuotas(req *kmsg.DescribeClientQuotasRequest) Exchange {
	of, asked := make(map[string]bool), make(map[string]bool)
	for _, c := range req.Components {
		asked[c.EntityType] = true
		of[c.EntityType] = c.MatchType == anyName
	}
	rest := slices.DeleteFunc(slices.Clone(req.Components), func(c kmsg.DescribeClientQuotasRequestComponent) bool {
		return c.MatchType == anyName
	})
	if len(rest) == len(req.Components) {
		return Exchange{}
	}
	strict := req.Strict
	req.Components, req.Strict = rest, false
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.DescribeClientQuotasResponse)
		a.Entries = slices.DeleteFunc(a.Entries, func(e kmsg.DescribeClientQuotasResponseEntry) bool {
			found := 0
			for _, part := range e.Entity {
				if strict && !asked[part.Type] {
					return true
				}
				if of[part.Type] {
					found++
				}
			}
			return found < len(asked)-len(rest)
		})
	}}
}

// describeSCRAM: an empty list of users asks for all, as Java does. kfake takes only
// null so.
func (clusters) describeSCRAM(req *kmsg.DescribeUserSCRAMCredentialsRequest) Exchange {
	if req.Users == nil || len(req.Users) > 0 {
		return Exchange{}
	}
	req.Users = nil
	return Exchange{Changed: true}
}

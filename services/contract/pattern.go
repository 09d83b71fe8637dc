package contract

import "strings"

// Requests lists the request types that each service answers.
func Requests() map[string][]string {
	return map[string][]string{
		Graph:          {CreateProject, GetProject, ListProjects, UpdateProject, DeleteProject},
		Codegen:        {GenerateCode, ListBlueprints, GetBlueprint},
		Deployment:     {CreateDeployment, GetDeployment, ListDeployments, CancelDeployment},
		Infrastructure: {Provision, CancelProvision, Deprovision, ListRuntimes},
		Auth:           {ValidateSession, ValidateSessionDigest, GetKeys},
	}
}

// PatternTopic is the topic of its own that a request type has beside the
// service's topic, as NestJS peers name it: "codegen-service.generate-code".
func PatternTopic(service, request string) string {
	return service + "." + strings.ReplaceAll(strings.ToLower(request), "_", "-")
}

// HistoryTopic keeps, without end, every event that a service's read model was
// made of. Only graph-service has one.
func HistoryTopic(service string) string { return "axion." + service + ".events" }

package contract

import "encoding/json"

// Request types. The topic is that of the service which answers.
const (
	// GenerateCode asks codegen: [GenerateCodeRequest] for [GenerateCodeReply].
	GenerateCode = "GENERATE_CODE"
	// Provision asks infrastructure: [ProvisionRequest] for [ProvisionReply]. One that has a
	// command run, or changes a project that does, is signed: see package signature.
	Provision = "PROVISION"
	// CancelProvision asks infrastructure to give up a [ProvisionRequest] that is
	// under way: [CancelProvisionRequest] for null. It goes to the pattern topic:
	// on the service's own it would wait behind that request.
	CancelProvision = "CANCEL_PROVISION"
	// Deprovision asks infrastructure: [DeprovisionRequest] for
	// [DeprovisionReply].
	Deprovision = "DEPROVISION"
	// ListRuntimes asks infrastructure: [RuntimeRequest] for a [RuntimeList].
	ListRuntimes = "LIST_RUNTIMES"
	// CreateProject and the four below ask graph: [ProjectRequest] for a [Project],
	// ListProjects for a [ProjectList], DeleteProject for null.
	CreateProject = "CREATE_PROJECT"
	GetProject    = "GET_PROJECT"
	ListProjects  = "LIST_PROJECTS"
	UpdateProject = "UPDATE_PROJECT"
	DeleteProject = "DELETE_PROJECT"
	// ListBlueprints and GetBlueprint ask codegen: nothing for a [BlueprintList],
	// [BlueprintRequest] for a [Blueprint].
	ListBlueprints = "LIST_BLUEPRINTS"
	GetBlueprint   = "GET_BLUEPRINT"
	// CreateDeployment and the three below ask deployment: [DeploymentRequest] for
	// a [DeploymentRecord], ListDeployments for a [DeploymentList].
	CreateDeployment = "CREATE_DEPLOYMENT"
	GetDeployment    = "GET_DEPLOYMENT"
	ListDeployments  = "LIST_DEPLOYMENTS"
	CancelDeployment = "CANCEL_DEPLOYMENT"
	// ValidateSession asks auth: [ValidateSessionRequest] for [Session].
	ValidateSession = "VALIDATE_SESSION"
	// ValidateSessionDigest asks auth the same without showing it the token:
	// [ValidateSessionDigestRequest] for [Session]. It goes to its pattern topic
	// alone: who consumes that knows it. Of a service that does not, the builtins
	// ask ValidateSession.
	ValidateSessionDigest = "VALIDATE_SESSION_DIGEST"
	// GetKeys asks auth for its public keys, a JSON Web Key Set (RFC 7517).
	GetKeys = "GET_KEYS"
)

// Templates of codegen.
const (
	DefaultTemplate = "static-site"
	NestJSTemplate  = "nestjs-service"
)

// GenerateCodeRequest names what to generate. Name and Config fill the
// template in; both may be empty.
type GenerateCodeRequest struct {
	ProjectID string          `json:"projectId"`
	Template  string          `json:"template"`
	Name      string          `json:"name,omitempty"`
	Config    json.RawMessage `json:"config,omitempty"`
	// Slug is the project's name on the gateway; empty means the project's id.
	Slug string `json:"slug,omitempty"`
	// Graph is what to generate from; nil means the template alone.
	Graph *Architecture `json:"graph,omitempty"`
}

// GenerateCodeReply is the generated project, files ordered by path. One that has a command
// run is signed: see package signature.
type GenerateCodeReply struct {
	Template string `json:"template"`
	Files    []File `json:"files"`
	Run      Run    `json:"run,omitzero"`
}

// File is one generated text file; Path is relative and slash-separated.
type File struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// ProvisionRequest requests to run Files under Slug. Sent again with the same
// DeploymentID answers the same and changes nothing. UserID is whose project it is;
// empty means that nobody finds it in the inventory.
type ProvisionRequest struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId"`
	UserID       string `json:"userId,omitempty"`
	Slug         string `json:"slug"`
	Files        []File `json:"files"`
	Run          Run    `json:"run,omitzero"`
}

// ProvisionReply says where the project answers: URL through the gateway,
// Address directly.
type ProvisionReply struct {
	URL     string `json:"url"`
	Address string `json:"address"`
}

// CancelProvisionRequest names the deployment whose provisioning is to end.
type CancelProvisionRequest struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId"`
}

// DeprovisionRequest requests to stop and remove a project's runtime. With a DeploymentID
// that is done only where it is of that deployment.
type DeprovisionRequest struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId,omitempty"`
}

// DeprovisionReply says whether there was anything to remove.
type DeprovisionReply struct {
	Removed bool `json:"removed"`
}

// ValidateSessionRequest carries an opaque session token, or its signed form. Who
// can read the topic can use it.
type ValidateSessionRequest struct {
	Token string `json:"token"`
}

// ValidateSessionDigestRequest carries the SHA-256 of a session token in lower-case
// hexadecimal; of a signed form "token.signature", that of its text without
// percent-encoding and the "=" at its end.
type ValidateSessionDigestRequest struct {
	Digest string `json:"digest"`
}

// Session is who a token belongs to. ExpiresAt is RFC 3339 in UTC.
type Session struct {
	UserID    string `json:"userId"`
	Email     string `json:"email"`
	ExpiresAt string `json:"expiresAt"`
}

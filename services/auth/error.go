package auth

import (
	"net/http"

	"reflect"
	"strconv"

	"axion/services/host"

	"github.com/danielgtaylor/huma/v2"
)

// apiError is an error answer in Better Auth's shape.
type apiError struct {
	status  int
	Message string `json:"message"`
	Code    string `json:"code"`
}

// Error is the message.
func (e *apiError) Error() string { return e.Message }

// GetStatus is the HTTP status; huma asks for it.
func (e *apiError) GetStatus() int { return e.status }

// The answers to bad requests; clients distinguish them by their codes.
var (
	errCredentials   = &apiError{http.StatusUnauthorized, "Invalid email or password", "INVALID_EMAIL_OR_PASSWORD"}
	errUnauthorized  = &apiError{http.StatusUnauthorized, "Unauthorized", "UNAUTHORIZED"}
	errEmail         = &apiError{http.StatusBadRequest, "Invalid email", "INVALID_EMAIL"}
	errPasswordShort = &apiError{http.StatusBadRequest, "Password too short", "PASSWORD_TOO_SHORT"}
	errPasswordLong  = &apiError{http.StatusBadRequest, "Password too long", "PASSWORD_TOO_LONG"}
	errOrigin        = &apiError{http.StatusForbidden, "Invalid origin", "INVALID_ORIGIN"}
	errNoOrigin      = &apiError{http.StatusForbidden, "Missing or null Origin", "MISSING_OR_NULL_ORIGIN"}
	errRemote        = &apiError{http.StatusForbidden,
		"Signing in and up is for this machine alone: start axion with --allow-remote-sign-in to let others", "REMOTE_SIGN_IN"}
	errCallback   = &apiError{http.StatusForbidden, "Invalid callbackURL", "INVALID_CALLBACK_URL"}
	errUserExists = &apiError{http.StatusUnprocessableEntity, "User already exists. Use another email.",
		"USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"}
	errTooLarge  = &apiError{http.StatusRequestEntityTooLarge, "Request body too large", "PAYLOAD_TOO_LARGE"}
	errMediaType = &apiError{http.StatusUnsupportedMediaType, "Content-Type must be application/json or application/x-www-form-urlencoded",
		"UNSUPPORTED_MEDIA_TYPE"}
	errNotFound = &apiError{http.StatusNotFound, "Not found", "NOT_FOUND"}
	errMethod   = &apiError{http.StatusMethodNotAllowed, "Method not allowed", "METHOD_NOT_ALLOWED"}
	errBusy     = &apiError{http.StatusServiceUnavailable, "Too many sign-ins at once, try again", "SERVICE_UNAVAILABLE"}
	errLeft     = &apiError{host.StatusClientClosedRequest, "The client left before the answer", "CLIENT_CLOSED_REQUEST"}
	errLate     = &apiError{http.StatusRequestTimeout, "The request body did not come in time", "REQUEST_TIMEOUT"}
	errInternal = &apiError{http.StatusInternalServerError, "Internal server error", "INTERNAL_SERVER_ERROR"}
)

// invalid is a 400 about a field of the body.
func invalid(message string) *apiError {
	return &apiError{http.StatusBadRequest, message, "VALIDATION_ERROR"}
}

// describeErrors puts the statuses into the operation's description.
func describeErrors(api huma.API, op *huma.Operation, statuses []int) {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[apiError](), true, "Error")
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{jsonType: {Schema: schema}},
		}
	}
}

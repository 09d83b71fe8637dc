package compose

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/compose-spec/compose-go/v2/types"
)

// readFiles takes the variables and the labels of the service's env_file and label_file.
// It is done for each service alone: a file that is missing is the matter of one.
func (s *Service) readFiles(model *types.Project) error {
	one := *model
	one.Services = types.Services{s.Name: s.ServiceConfig}
	resolved, err := one.WithServicesEnvironmentResolved(false)
	if err != nil {
		return keyError{fileError(err), "env_file"}
	}
	if resolved, err = resolved.WithServicesLabelsResolved(false); err != nil {
		return keyError{fileError(err), "label_file"}
	}
	s.ServiceConfig = resolved.Services[s.Name]
	return nil
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return hintError{fmt.Errorf("its %w", err), "make it, or say that it may be missing: {path: FILE, required: false}"}
	}
	return hintError{err, "write a NAME=value each line"}
}

// keyError is an error about one key of a service.
type keyError struct {
	error
	key string
}

func (e keyError) Unwrap() error { return e.error }

// Where is where the file says a key of the service, "env_file" for one; else where it
// has the service.
func (s *Service) Where(key string) (file string, line int) { return s.places.key(s.Name, key) }

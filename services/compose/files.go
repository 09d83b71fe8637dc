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
		return keyError{fileError("env_file", err), "env_file"}
	}
	if resolved, err = resolved.WithServicesLabelsResolved(false); err != nil {
		return keyError{fileError("label_file", err), "label_file"}
	}
	s.ServiceConfig = resolved.Services[s.Name]
	return nil
}

func fileError(key string, err error) error {
	at, ok := errors.AsType[*fs.PathError](err)
	switch {
	case ok && errors.Is(err, fs.ErrNotExist) && key == "env_file":
		return hintError{fmt.Errorf("its env_file %s is missing", at.Path), "make it, or say that it may be: {path: FILE, required: false}"}
	case ok && errors.Is(err, fs.ErrNotExist):
		return hintError{fmt.Errorf("its %s %s is missing", key, at.Path), "make it, or take it out"}
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

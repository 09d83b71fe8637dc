package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"

	"axion/services/contract"
)

// folder is the templates of the files that belong together.
type folder []templateFile

type templateFile struct {
	path string // of the generated file
	tmpl *template.Template
}

// suffix marks a template; it is not part of the generated name.
const suffix = ".tmpl"

// readFolders parses the templates in each folder of files.
func readFolders(files fs.FS) (map[string]folder, error) {
	folders := map[string]folder{}
	funcs := template.FuncMap{"json": toJSON}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, suffix) {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		tmpl, err := template.New(name).Funcs(funcs).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return err
		}
		in, file, _ := strings.Cut(name, "/")
		folders[in] = append(folders[in], templateFile{strings.TrimSuffix(file, suffix), tmpl})
		return nil
	})
	return folders, err
}

// execute fills the templates in, and puts the files below dir. A file that comes
// out empty is left out.
func (f folder) execute(dir string, data any) ([]contract.File, error) {
	var files []contract.File
	for _, t := range f {
		var out bytes.Buffer
		if err := t.tmpl.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("generate %s: %w", t.tmpl.Name(), err)
		}
		if out.Len() > 0 {
			files = append(files, contract.File{Path: path.Join(dir, t.path), Content: out.String()})
		}
	}
	return files, nil
}

// toJSON writes a literal that is safe in JSON, YAML, TypeScript and Go alike.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

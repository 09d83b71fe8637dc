package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
)

// options of `axion labels`.
type options struct {
	list               string
	all, write, dryRun bool
	asJSON             bool
}

// Command is `axion labels`. It gets the compose files from files; the first is
// the one that is written.
func Command(files func() []string) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "labels [SERVICE]", Short: "Generate Traefik labels from services.yaml", Args: cobra.MaximumNArgs(1),
		Long: "Generate the Traefik labels of SERVICE, or with --all of every service, from one list.\n" +
			"By default they are printed; --write puts them into the compose file, --dry-run shows what that would change.",
	}
	cmd.Flags().StringVar(&o.list, "list", "", "the `FILE` that lists the services (default services.yaml beside the compose file)")
	cmd.Flags().BoolVar(&o.all, "all", false, "every service of the list")
	cmd.Flags().BoolVar(&o.write, "write", false, "write the labels into the compose file")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what --write would change, as a diff")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("write", "dry-run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.run(cmd.OutOrStdout(), args, files()) }
	return cmd
}

func (o options) run(out io.Writer, args, files []string) error {
	if o.all == (len(args) == 1) {
		return errors.New("name one service of the list, or --all")
	}
	if o.list == "" {
		o.list = ListFile
		if len(files) > 0 {
			o.list = filepath.Join(filepath.Dir(files[0]), ListFile)
		}
	}
	list, err := ReadList(o.list)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{File: o.list, Message: "there is no such file",
			hint: "list the services in it, such as\nservices:\n  - {name: shop, port: 4000}"}
	}
	if err != nil {
		return err
	}
	services := list.Services
	if !o.all {
		services = slices.DeleteFunc(services, func(s Service) bool { return s.Name != args[0] })
		if len(services) == 0 {
			return &Error{File: o.list, Message: fmt.Sprintf("there is no service %q", args[0]), hint: "add it, or name one that is there"}
		}
	}
	if !o.write && !o.dryRun {
		return o.print(out, services)
	}
	if len(files) == 0 {
		return errors.New("there is no compose file in this directory: name one with --file")
	}
	return o.edit(out, files[0], services)
}

func (o options) print(out io.Writer, services []Service) error {
	if o.asJSON {
		all := map[string]map[string]string{}
		for _, s := range services {
			if all[s.Name] == nil {
				all[s.Name] = map[string]string{}
			}
			for _, l := range s.Labels() {
				all[s.Name][l.Key] = l.Value
			}
		}
		return json.NewEncoder(out).Encode(all)
	}
	for _, s := range services {
		fmt.Fprintf(out, "%s:\n  labels:\n", s.Name)
		for _, l := range s.Labels() {
			fmt.Fprintf(out, "    %s: %s\n", l.Key, quote(l.Value))
		}
	}
	return nil
}

func (o options) edit(out io.Writer, file string, services []Service) error {
	before, err := readFile(file)
	if err != nil {
		return err
	}
	after, err := Edit(file, before, services)
	if err != nil {
		return err
	}
	changed := !bytes.Equal(before, after)
	switch {
	case o.dryRun:
		_, err = io.WriteString(out, udiff.Unified(file, file, string(before), string(after)))
		return err
	case changed:
		if err := writeAtomically(file, after); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	if o.asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"file": file, "changed": changed})
	}
	what := "is up to date"
	if changed {
		what = "is written"
	}
	_, err = fmt.Fprintln(out, file, what)
	return err
}

// writeAtomically writes a file in one step, with the mode that it has. A link is followed.
func writeAtomically(file string, data []byte) error {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already where all went well
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

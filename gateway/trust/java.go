package trust

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// javaPassword is that of a Java machine's own store; it guards nothing.
const javaPassword = "changeit"

// java is the keystore of a Java machine.
type java struct {
	machine *machine
	tool    string
	file    string
}

// findJava gives the keystores of JAVA_HOME and of the keytool in the path.
func findJava(m *machine) ([]store, *Outcome) {
	var list []store
	var seen []string
	homes := []string{m.env("JAVA_HOME")}
	// The path leads to the real system's keystore, which a prefix excludes.
	if tool := m.tool("keytool"); tool != "" && m.prefix == "" {
		if real, err := filepath.EvalSymlinks(tool); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(real)))
		}
	}
	for _, home := range homes {
		tool := filepath.Join(home, "bin", "keytool")
		if m.system == "windows" {
			tool += ".exe"
		}
		if home == "" || !exists(tool) {
			continue
		}
		for _, dir := range []string{"lib", filepath.Join("jre", "lib")} {
			real, err := filepath.EvalSymlinks(filepath.Join(home, dir, "security", "cacerts"))
			if err == nil && !slices.Contains(seen, real) {
				seen = append(seen, real)
				list = append(list, &java{m, tool, real})
			}
		}
	}
	return list, nil
}

func (j *java) place() (name, where string) { return "java", j.file }

// trusts looks for the root itself: Java trusts whatever is in the store.
func (j *java) trusts(ctx context.Context, r *root) (bool, error) {
	out, err := j.machine.run(ctx, j.command("-list")...)
	if err != nil {
		return false, err
	}
	return strings.Contains(strings.ReplaceAll(out, ":", ""), r.fingerprint()), nil
}

func (j *java) has(ctx context.Context, r *root) (bool, error) { return j.trusts(ctx, r) }

func (j *java) add(ctx context.Context, r *root) error {
	return j.change(ctx, j.command("-importcert", "-noprompt", "-alias", r.name(), "-file", r.file))
}

func (j *java) remove(ctx context.Context, r *root) error {
	return j.change(ctx, j.command("-delete", "-alias", r.name()))
}

func (j *java) change(ctx context.Context, command []string) error {
	f, err := os.OpenFile(j.file, os.O_RDWR, 0)
	if os.IsPermission(err) {
		return &rightsError{"sudo " + shell(command...)}
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = j.machine.run(ctx, command...)
	return err
}

func (j *java) command(verb string, args ...string) []string {
	return append([]string{j.tool, verb, "-keystore", j.file, "-storepass", javaPassword}, args...)
}

package codegen_test

import (
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// manifest is what the tests read of a Kubernetes object.
type manifest struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Resources        []string
	Data             map[string]string
	StringData       map[string]string
	Spec             struct {
		Selector json.RawMessage
		Ports    []struct {
			Port       int
			TargetPort string
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []struct {
					Image                                       string
					Ports                                       []struct{ Name string }
					Env                                         []struct{ Name, Value string }
					StartupProbe, ReadinessProbe, LivenessProbe map[string]any
				}
			}
		}
		Rules []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Backend struct{ Service struct{ Name string } }
				}
			}
		}
	}
}

// manifests are the objects of a text, in order.
func manifests(t testing.TB, name, text string) (list []manifest) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var raw map[string]any
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		plain, err := json.Marshal(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var m manifest
		if err := json.Unmarshal(plain, &m); err != nil || m.APIVersion == "" || m.Kind == "" {
			t.Errorf("%s: %v in %s", name, err, plain)
		}
		list = append(list, m)
	}
}

// TestGraphKubernetes reads every manifest, and follows what refers to another.
func TestGraphKubernetes(t *testing.T) {
	t.Parallel()
	kinds, objects := map[string]int{}, map[string]manifest{}
	var there []string
	for name, text := range generated(t, shop()) {
		if path.Dir(name) != "k8s" {
			continue
		}
		there = append(there, path.Base(name))
		for _, m := range manifests(t, name, text) {
			kinds[m.Kind]++
			objects[m.Kind+" "+m.Metadata.Name] = m
		}
	}
	for kind, want := range map[string]int{
		"Deployment": 2, "StatefulSet": 3, "Service": 5, "ConfigMap": 2, "Ingress": 1, "Secret": 1, "Namespace": 1, "Kustomization": 1,
	} {
		if kinds[kind] != want {
			t.Errorf("%s: got %d, want %d", kind, kinds[kind], want)
		}
	}
	listed := append([]string{"kustomization.yaml"}, objects["Kustomization "].Resources...)
	if slices.Sort(there); !slices.Equal(there, slices.Sorted(slices.Values(listed))) {
		t.Errorf("the kustomization lists %v, and there are %v", listed, there)
	}
	for _, name := range []string{"Deployment api", "Deployment worker", "StatefulSet db", "StatefulSet events", "StatefulSet cache"} {
		pod := objects[name].Spec.Template
		if len(pod.Spec.Containers) != 1 {
			t.Errorf("%s: got the containers %v", name, pod.Spec.Containers)
			continue
		}
		c := pod.Spec.Containers[0]
		if c.StartupProbe == nil || c.ReadinessProbe == nil || c.LivenessProbe == nil || c.Image == "" {
			t.Errorf("%s lacks a probe or its image: %+v", name, c)
		}
		_, node, _ := strings.Cut(name, " ")
		service := objects["Service "+node].Spec
		var selector map[string]string
		if err := json.Unmarshal(service.Selector, &selector); err != nil || len(selector) == 0 || len(service.Ports) != 1 ||
			service.Ports[0].TargetPort != c.Ports[0].Name {
			t.Errorf("service %s: got %s, %+v (%v)", node, service.Selector, service.Ports, err)
		}
		for key, value := range selector {
			if pod.Metadata.Labels[key] != value {
				t.Errorf("service %s does not find its pods, which have %v", node, pod.Metadata.Labels)
			}
		}
	}
	rules := objects["Ingress public"].Spec.Rules
	if len(rules) != 1 || rules[0].Host != "public.shop.apps.localhost" || rules[0].HTTP.Paths[0].Backend.Service.Name != "api" {
		t.Errorf("ingress: got %+v", rules)
	}
	wantPassword(t, objects)
}

// wantPassword follows the database's password from the secret to the program.
func wantPassword(t *testing.T, objects map[string]manifest) {
	t.Helper()
	if got := objects["Secret shop-passwords"].StringData["DB_PASSWORD"]; got == "" {
		t.Errorf("secret: got %v", objects["Secret shop-passwords"])
	}
	if got := objects["ConfigMap api-config"].Data; got["KAFKA_BROKERS"] != "events:9092" || got["DATABASE_URL"] != "" {
		t.Errorf("config map: got %v, want all but what holds a password", got)
	}
	env := objects["Deployment api"].Spec.Template.Spec.Containers[0].Env
	if len(env) != 2 || env[0].Name != "DB_PASSWORD" || !strings.Contains(env[1].Value, "$(DB_PASSWORD)@db:5432") {
		t.Errorf("environment: got %+v, want the password before what refers to it", env)
	}
}

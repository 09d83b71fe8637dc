package codegen

import (
	"fmt"
	"slices"

	"axion/services/contract"
)

// object is a part of a manifest. Its keys are written in order, which is the
// usual one: apiVersion, kind, metadata, spec.
type object = map[string]any

// manifests writes a project's objects for Kubernetes.
type manifests struct{ slug string }

// files writes a file for each node that has objects, and the kustomization that lists
// them. A node's name has no dot, so that no two files have one name.
func (m *manifests) files(components, ingresses []*component) ([]contract.File, error) {
	var files []contract.File
	var resources []string
	write := func(name string, objects ...object) error {
		text, err := toYAML(objects...)
		files = append(files, contract.File{Path: "k8s/" + name, Content: text})
		resources = append(resources, name)
		return err
	}
	err := write("namespace.yaml", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": m.slug}})
	if secret := m.passwords(components); secret != nil && err == nil {
		err = write("secret.yaml", secret)
	}
	for _, a := range slices.Concat(components, ingresses) {
		if objects := m.objects(a); objects != nil && err == nil {
			err = write(a.name+"."+a.node.Type+".yaml", objects...)
		}
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(resources)
	return files, write("kustomization.yaml", object{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": m.slug, "resources": resources,
	})
}

// objects returns the objects of a node, nil for none.
func (m *manifests) objects(a *component) []object {
	switch {
	case isProgram(a.node.Type):
		return []object{m.configMap(a), m.deployment(a), m.service(a, object{"type": "ClusterIP"})}
	case a.node.Type != contract.NodeIngress:
		// A broker's own check resolves its name before it is ready.
		return []object{m.service(a, object{"clusterIP": "None", "publishNotReadyAddresses": true}), m.statefulSet(a)}
	case len(a.routes) > 0:
		return []object{m.ingress(a)}
	}
	return nil
}

// object returns an object of a node.
func (m *manifests) object(apiVersion, kind string, a *component, spec object) object {
	return object{
		"apiVersion": apiVersion, "kind": kind, "spec": spec,
		"metadata": object{"name": a.name, "labels": m.labels(a)},
	}
}

// labels returns the recommended labels of an object that belongs to a node.
func (m *manifests) labels(a *component) object {
	return object{"app.kubernetes.io/name": a.name, "app.kubernetes.io/part-of": m.slug}
}

// selector selects a node's pods; it may never change.
func selector(a *component) object { return object{"app.kubernetes.io/name": a.name} }

// configMap holds the part of a program's environment that is no secret.
func (m *manifests) configMap(a *component) object {
	data := object{}
	for _, v := range programEnv(a) {
		if v.password == "" {
			data[v.name] = v.value
		}
	}
	return object{
		"apiVersion": "v1", "kind": "ConfigMap", "data": data,
		"metadata": object{"name": configOf(a), "labels": m.labels(a)},
	}
}

// configOf names the config map of a program.
func configOf(a *component) string { return a.name + "-config" }

// service returns the service of a node, with spec.
func (m *manifests) service(a *component, spec object) object {
	spec["selector"] = selector(a)
	spec["ports"] = []object{{"name": portName, "port": a.port, "targetPort": portName}}
	o := m.object("v1", "Service", a, spec)
	if slices.ContainsFunc(a.routes, speaksGRPC) {
		o["metadata"].(object)["annotations"] = object{"traefik.ingress.kubernetes.io/service.serversscheme": "h2c"}
	}
	return o
}

// portName names the one port of a container.
const portName = "main"

// ingress returns the ingress object of an ingress, with its routes.
func (m *manifests) ingress(a *component) object {
	var rules []object
	var hosts []string
	for _, r := range a.routes {
		hosts = append(hosts, r.host)
		rules = append(rules, object{"host": r.host, "http": object{"paths": []object{{
			"path": "/", "pathType": "Prefix",
			"backend": object{"service": object{"name": r.to.name, "port": object{"name": portName}}},
		}}}})
	}
	o := m.object("networking.k8s.io/v1", "Ingress", a, object{
		"ingressClassName": "traefik", "rules": rules, "tls": []object{{"hosts": hosts}},
	})
	o["metadata"].(object)["annotations"] = object{
		"traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
		"traefik.ingress.kubernetes.io/router.tls":         "true",
	}
	return o
}

// passwords returns the secret with the databases' passwords, nil for none. They are those
// of development, until they are replaced.
func (m *manifests) passwords(components []*component) object {
	data := object{}
	for _, a := range components {
		if a.node.Type == contract.NodeDatabase {
			data[passwordOf(a)] = developmentPassword
		}
	}
	if len(data) == 0 {
		return nil
	}
	return object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": m.secret()}, "stringData": data}
}

// secret names the object that holds the databases' passwords.
func (m *manifests) secret() string { return m.slug + "-passwords" }

// image names a program's image, as `docker compose build` does.
func (m *manifests) image(a *component) string { return fmt.Sprintf("%s-%s:latest", m.slug, a.name) }

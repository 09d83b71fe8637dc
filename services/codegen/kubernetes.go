package codegen

import (
	"fmt"
	"slices"

	"axion/services/contract"
)

// object is a part of a manifest. Its keys are written in order, which is the
// usual one: apiVersion, kind, metadata, spec.
type object = map[string]any

// kubernetes writes the manifests, a file for each node that has any, and the
// kustomization that lists them. A node's name has no dot, so that no file is in
// another's way.
func (p *plan) kubernetes() ([]contract.File, error) {
	var files []contract.File
	var resources []string
	write := func(name string, objects ...object) error {
		text, err := toYAML(objects...)
		files = append(files, contract.File{Path: "k8s/" + name, Content: text})
		resources = append(resources, name)
		return err
	}
	err := write("namespace.yaml", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": p.slug}})
	if secret := p.passwords(); secret != nil && err == nil {
		err = write("secret.yaml", secret)
	}
	for _, a := range slices.Concat(p.parts, p.ingresses) {
		if objects := p.manifests(a); objects != nil && err == nil {
			err = write(a.name+"."+a.node.Type+".yaml", objects...)
		}
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(resources)
	return files, write("kustomization.yaml", object{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": p.slug, "resources": resources,
	})
}

func (p *plan) manifests(a *part) []object {
	switch {
	case isProgram(a.node.Type):
		return []object{p.configMap(a), p.deployment(a), p.service(a, object{"type": "ClusterIP"})}
	case a.node.Type != contract.NodeIngress:
		// A broker's own check resolves its name before it is ready.
		return []object{p.service(a, object{"clusterIP": "None", "publishNotReadyAddresses": true}), p.statefulSet(a)}
	case len(a.routes) > 0:
		return []object{p.ingress(a)}
	}
	return nil
}

func (p *plan) object(apiVersion, kind string, a *part, spec object) object {
	return object{
		"apiVersion": apiVersion, "kind": kind, "spec": spec,
		"metadata": object{"name": a.name, "labels": p.marks(a)},
	}
}

// marks are the recommended labels of an object that belongs to a node.
func (p *plan) marks(a *part) object {
	return object{"app.kubernetes.io/name": a.name, "app.kubernetes.io/part-of": p.slug}
}

// selector finds a node's pods; it may never change.
func selector(a *part) object { return object{"app.kubernetes.io/name": a.name} }

// configMap holds the part of a program's environment that is no secret.
func (p *plan) configMap(a *part) object {
	data := object{}
	for _, v := range programEnv(a) {
		if v.password == "" {
			data[v.name] = v.value
		}
	}
	return object{
		"apiVersion": "v1", "kind": "ConfigMap", "data": data,
		"metadata": object{"name": configOf(a), "labels": p.marks(a)},
	}
}

func configOf(a *part) string { return a.name + "-config" }

func (p *plan) service(a *part, spec object) object {
	spec["selector"] = selector(a)
	spec["ports"] = []object{{"name": portName, "port": a.port, "targetPort": portName}}
	o := p.object("v1", "Service", a, spec)
	if slices.ContainsFunc(a.routes, speaksGRPC) {
		o["metadata"].(object)["annotations"] = object{"traefik.ingress.kubernetes.io/service.serversscheme": "h2c"}
	}
	return o
}

// portName is the name of the one port that a container has.
const portName = "main"

func (p *plan) ingress(a *part) object {
	var rules []object
	var hosts []string
	for _, r := range a.routes {
		hosts = append(hosts, r.host)
		rules = append(rules, object{"host": r.host, "http": object{"paths": []object{{
			"path": "/", "pathType": "Prefix",
			"backend": object{"service": object{"name": r.to.name, "port": object{"name": portName}}},
		}}}})
	}
	o := p.object("networking.k8s.io/v1", "Ingress", a, object{
		"ingressClassName": "traefik", "rules": rules, "tls": []object{{"hosts": hosts}},
	})
	o["metadata"].(object)["annotations"] = object{
		"traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
		"traefik.ingress.kubernetes.io/router.tls":         "true",
	}
	return o
}

// passwords are those of the databases, nil for none: of development, until somebody
// puts others in their place.
func (p *plan) passwords() object {
	data := object{}
	for _, a := range p.parts {
		if a.node.Type == contract.NodeDatabase {
			data[passwordOf(a)] = developmentPassword
		}
	}
	if len(data) == 0 {
		return nil
	}
	return object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": p.secret()}, "stringData": data}
}

// secret is the name of the object that holds the databases' passwords.
func (p *plan) secret() string { return p.slug + "-passwords" }

// image is what a program's image is called: as `docker compose build` does.
func (p *plan) image(a *part) string { return fmt.Sprintf("%s-%s:latest", p.slug, a.name) }

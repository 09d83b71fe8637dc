package codegen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"axion/services/contract"
)

// kubernetes are the project's manifests: one file a part, and a kustomization.
func (d *design) kubernetes() ([]contract.File, error) {
	var files []contract.File
	var names []string
	add := func(name string, documents ...doc) error {
		text, err := toYAML(documents...)
		if err == nil {
			files = append(files, contract.File{Path: "k8s/" + name + ".yaml", Content: text})
			names = append(names, name+".yaml")
		}
		return err
	}
	for _, p := range d.sorted() {
		var err error
		switch {
		case p.program():
			err = add(p.name, d.configMap(p), d.deployment(p), d.k8sService(p, p.port))
		case p.Type == contract.NodeIngress:
			if len(p.asks) > 0 {
				err = add(p.name, d.ingress(p))
			}
		default:
			err = add(p.name, d.statefulSet(p), d.k8sService(p, images[p.Type].port))
		}
		if err != nil {
			return nil, err
		}
	}
	secret := doc{"apiVersion": "v1", "kind": "Secret", "metadata": doc{"name": d.slug + "-development"},
		"stringData": doc{"POSTGRES_PASSWORD": "development"}}
	if slices.ContainsFunc(d.parts, func(p *part) bool { return p.Type == contract.NodeDatabase }) {
		if err := add("secret", secret); err != nil {
			return nil, err
		}
	}
	return files, add("kustomization", doc{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"namespace": d.slug, "resources": slices.Clone(names)})
}

func meta(p *part) doc { return doc{"name": p.name, "labels": doc{"app": p.name}} }

// config is what a program is told; what holds a password comes from the secret.
func (d *design) configMap(p *part) doc {
	return doc{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(p), "data": p.environment("$(POSTGRES_PASSWORD)")}
}

func (d *design) deployment(p *part) doc {
	env := []doc{}
	for name := range p.environment("$(POSTGRES_PASSWORD)") {
		if strings.HasSuffix(name, "DATABASE_URL") {
			env = append(env, doc{"name": name, "value": p.environment("$(POSTGRES_PASSWORD)")[name]})
		}
	}
	slices.SortFunc(env, func(a, b doc) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	if len(env) > 0 { // a reference must come after what it refers to
		env = append([]doc{d.passwordRef()}, env...)
	}
	probe := doc{"httpGet": doc{"path": "/health", "port": p.port}, "periodSeconds": 5}
	container := doc{
		"name": p.name, "image": d.slug + "/" + p.name + ":latest", "ports": []doc{{"containerPort": p.port}},
		"envFrom": []doc{{"configMapRef": doc{"name": p.name}}}, "readinessProbe": probe, "livenessProbe": probe,
		"resources": doc{"requests": doc{"cpu": "50m", "memory": "64Mi"}, "limits": doc{"memory": "512Mi"}},
		"securityContext": doc{"allowPrivilegeEscalation": false, "runAsNonRoot": true, "runAsUser": 65534,
			"capabilities": doc{"drop": []string{"ALL"}}, "seccompProfile": doc{"type": "RuntimeDefault"}},
	}
	if len(env) > 0 {
		container["env"] = env
	}
	return doc{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(p), "spec": doc{
		"replicas": 1, "selector": doc{"matchLabels": doc{"app": p.name}},
		"template": doc{"metadata": doc{"labels": doc{"app": p.name}}, "spec": doc{"containers": []doc{container}}},
	}}
}

func (d *design) passwordRef() doc {
	return doc{"name": "POSTGRES_PASSWORD", "valueFrom": doc{"secretKeyRef": doc{"name": d.slug + "-development", "key": "POSTGRES_PASSWORD"}}}
}

func (d *design) statefulSet(p *part) doc {
	i := images[p.Type]
	env := []doc{}
	for _, name := range sortedKeys(p.imageEnv()) {
		if name == "POSTGRES_PASSWORD" {
			env = append(env, d.passwordRef())
		} else {
			env = append(env, doc{"name": name, "value": p.imageEnv()[name]})
		}
	}
	container := doc{
		"name": p.name, "image": i.name, "ports": []doc{{"containerPort": i.port}}, "env": env,
		"readinessProbe": doc{"exec": doc{"command": i.health}, "periodSeconds": 5},
		"volumeMounts":   []doc{{"name": "data", "mountPath": i.data, "subPath": "data"}},
		"resources":      doc{"requests": doc{"cpu": "50m", "memory": "128Mi"}},
	}
	return doc{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta(p), "spec": doc{
		"serviceName": p.name, "replicas": 1, "selector": doc{"matchLabels": doc{"app": p.name}},
		"template": doc{"metadata": doc{"labels": doc{"app": p.name}}, "spec": doc{"containers": []doc{container}}},
		"volumeClaimTemplates": []doc{{"metadata": doc{"name": "data"}, "spec": doc{
			"accessModes": []string{"ReadWriteOnce"}, "resources": doc{"requests": doc{"storage": "1Gi"}}}}},
	}}
}

func (d *design) k8sService(p *part, port int) doc {
	return doc{"apiVersion": "v1", "kind": "Service", "metadata": meta(p), "spec": doc{
		"selector": doc{"app": p.name}, "ports": []doc{{"name": "p" + strconv.Itoa(port), "port": port}}}}
}

func (d *design) ingress(p *part) doc {
	paths := []doc{}
	for _, l := range p.asks {
		path := "/"
		if len(p.asks) > 1 {
			path = "/" + l.to.name
		}
		paths = append(paths, doc{"path": path, "pathType": "Prefix",
			"backend": doc{"service": doc{"name": l.to.name, "port": doc{"number": l.to.port}}}})
	}
	return doc{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(p), "spec": doc{
		"tls":   []doc{{"hosts": []string{d.hostOf(p)}, "secretName": fmt.Sprintf("%s-tls", p.name)}},
		"rules": []doc{{"host": d.hostOf(p), "http": doc{"paths": paths}}}}}
}

package codegen

import (
	"fmt"
	"slices"
)

// programUser is the user and the group that every skeleton's image runs as.
const programUser = 1000

// deployment returns the deployment of a program.
func (m *manifests) deployment(a *component) object {
	probe := func(every, failures int) object {
		return object{"httpGet": object{"path": healthPath, "port": portName}, "periodSeconds": every, "failureThreshold": failures}
	}
	open := func(v variable) bool { return v.password == "" } // those are in the config map
	c := m.container(a, m.image(a), slices.DeleteFunc(programEnv(a), open))
	c["imagePullPolicy"] = "IfNotPresent"
	c["envFrom"] = []object{{"configMapRef": object{"name": configOf(a)}}}
	c["startupProbe"], c["readinessProbe"], c["livenessProbe"] = probe(2, 60), probe(5, 3), probe(10, 3)
	c["resources"] = resources("50m", "128Mi", "256Mi")
	c["securityContext"].(object)["readOnlyRootFilesystem"] = true
	c["volumeMounts"] = []object{{"name": "tmp", "mountPath": "/tmp"}}
	security := podSecurity(programUser, programUser)
	if a.port < 1024 { // only root may listen there otherwise
		security["sysctls"] = []object{{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}}
	}
	spec := m.podTemplate(a, c, security)
	spec["spec"].(object)["volumes"] = []object{{"name": "tmp", "emptyDir": object{}}}
	return m.object("apps/v1", "Deployment", a, object{
		"replicas": 1, "selector": object{"matchLabels": selector(a)}, "template": spec,
	})
}

// statefulSet returns the stateful set of a database, a cache or a broker.
func (m *manifests) statefulSet(a *component) object {
	of := stores[a.node.Type]
	probe := func(every, failures int) object {
		return object{"exec": object{"command": of.check}, "periodSeconds": every, "timeoutSeconds": 10, "failureThreshold": failures}
	}
	c := m.container(a, of.image, of.env(a))
	if of.args != nil {
		c["command"] = of.args
	}
	c["startupProbe"], c["readinessProbe"], c["livenessProbe"] = probe(5, 24), probe(10, 3), probe(20, 3)
	c["resources"] = resources("100m", of.request, of.limit)
	spec := object{
		"serviceName": a.name, "replicas": 1, "selector": object{"matchLabels": selector(a)},
		"template": m.podTemplate(a, c, podSecurity(of.user, of.group)),
	}
	if of.folder != "" {
		c["volumeMounts"] = []object{{"name": "data", "mountPath": of.folder}}
		spec["volumeClaimTemplates"] = []object{{
			"metadata": object{"name": "data"},
			"spec":     object{"accessModes": []string{"ReadWriteOnce"}, "resources": object{"requests": object{"storage": "1Gi"}}},
		}}
	}
	return m.object("apps/v1", "StatefulSet", a, spec)
}

// container returns what all containers have in common.
func (m *manifests) container(a *component, image string, env []variable) object {
	c := object{
		"name": a.name, "image": image,
		"ports": []object{{"name": portName, "containerPort": a.port}},
		"securityContext": object{
			"allowPrivilegeEscalation": false, "capabilities": object{"drop": []string{"ALL"}},
		},
	}
	if list := m.containerEnv(env); list != nil {
		c["env"] = list
	}
	return c
}

// containerEnv writes an environment whose passwords come from the secret. One that is a
// part of a value has a variable of its own, which has to be before what refers to it.
func (m *manifests) containerEnv(env []variable) (list []object) {
	own := map[string]bool{}
	for _, v := range env {
		switch {
		case v.password == "":
			list = append(list, object{"name": v.name, "value": v.value})
		case v.value == "" && v.after == "":
			list = append(list, object{"name": v.name, "valueFrom": m.secretKey(v.password)})
		default:
			if !own[v.password] {
				list = append(list, object{"name": v.password, "valueFrom": m.secretKey(v.password)})
			}
			own[v.password] = true
			list = append(list, object{"name": v.name, "value": fmt.Sprintf("%s$(%s)%s", v.value, v.password, v.after)})
		}
	}
	return list
}

// secretKey refers to a password in the secret.
func (m *manifests) secretKey(key string) object {
	return object{"secretKeyRef": object{"name": m.secret(), "key": key}}
}

// podTemplate returns the template of a pod with one container. Kubernetes makes no
// variables of service names in it: the Kafka image would read them as settings.
func (m *manifests) podTemplate(a *component, container, security object) object {
	return object{
		"metadata": object{"labels": m.labels(a)},
		"spec": object{
			"automountServiceAccountToken": false, "enableServiceLinks": false,
			"securityContext": security, "containers": []object{container},
		},
	}
}

// podSecurity is the security context of a pod that runs as a user.
func podSecurity(user, group int) object {
	return object{
		"runAsNonRoot": true, "runAsUser": user, "runAsGroup": group, "fsGroup": group,
		"seccompProfile": object{"type": "RuntimeDefault"},
	}
}

// resources bounds what a container uses.
func resources(cpu, request, limit string) object {
	return object{
		"requests": object{"cpu": cpu, "memory": request},
		"limits":   object{"memory": limit},
	}
}

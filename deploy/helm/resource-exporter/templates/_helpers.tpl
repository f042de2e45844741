{{/* The name of all objects. A Service needs a letter at the beginning and no dots, which a release may have. */}}
{{- define "resource-exporter.fullname" -}}
{{- $long := printf "%s-%s" .Release.Name .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- $long = .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- $long = .Release.Name -}}
{{- end -}}
{{- $name := $long | trunc 52 | trimAll "-" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "%s cannot be the name of a Service; fix: set fullnameOverride to lower-case letters, digits and hyphens that begin with a letter" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* A duration of the schema in milliseconds. */}}
{{- define "resource-exporter.milliseconds" -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mul (trimSuffix $unit .) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit) -}}
{{- end -}}

{{/* The name is the job of all series: rules and dashboards expect it, so no value changes it. */}}
{{- define "resource-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "resource-exporter.labels" -}}
{{ include "resource-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "resource-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "resource-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "resource-exporter.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* The environment of the exporter, without that of the web configuration. */}}
{{- define "resource-exporter.env" -}}
{{- range $name, $secret := .Values.dsn.env }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ $secret.key | quote }}}}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What serve and check read. */}}
{{- define "resource-exporter.inputMounts" -}}
- {name: config, mountPath: /etc/resource-exporter, readOnly: true}
{{- if .Values.dsn.existingSecret }}
- {name: dsn, mountPath: /run/secrets/resource-exporter, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "resource-exporter.inputVolumes" -}}
- name: config
  {{- if or .Values.config.existingSecret .Values.config.asSecret }}
  secret:
    secretName: {{ default (printf "%s-config" (include "resource-exporter.fullname" .)) .Values.config.existingSecret }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ default (printf "%s-config" (include "resource-exporter.fullname" .)) .Values.config.existingConfigMap }}
  {{- end }}
{{- with .Values.dsn.existingSecret }}
- name: dsn
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe of a path; only of the port if a probe would need a password. Call it with a list: the context and the path. */}}
{{- define "resource-exporter.probe" -}}
{{- if (first .).Values.web.existingSecret -}}
tcpSocket: {port: http}
{{- else -}}
httpGet: {path: {{ last . }}, port: http}
{{- end -}}
{{- end -}}

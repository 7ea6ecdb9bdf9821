// Models as native programs without JSON read them: a line each, `NAME key=value …`, the fields of lib/native/model.ts with
// dots between, so that `vision.width=768` is the vision tower's width.

/** `model`: a resolved one (lib/models/resolve.ts). */
export function modelLine(name, model) {
  return [name, ...fields(model).map(([key, value]) => `${key}=${value}`)].join(' ')
}

function fields(object, prefix = '') {
  return Object.entries(object).flatMap(([key, value]) => {
    if (value === undefined) return []
    if (Array.isArray(value)) return [[prefix + key, value.join(',')]]
    return typeof value === 'object' ? fields(value, `${prefix}${key}.`) : [[prefix + key, value]]
  })
}

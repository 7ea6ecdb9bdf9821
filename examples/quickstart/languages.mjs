// What differs between `npm run quickstart` and `npm run quickstart:zh`; drawings, split and training do not.

/**
 * Model, folder of the run, and names of held-out drawings to look for: no such sentence, and no such drawing, was trained on.
 * @type {Record<'en' | 'zh', { model: string, out: string, sentences: string[] }>}
 */
export const languages = {
  en: {
    model: 'ViT-Ti-8-quickstart',
    out: 'runs/quickstart',
    sentences: [
      'person running with light skin tone',
      'woman teacher',
      'man with medium-dark skin tone and beard',
      'six-thirty',
      'up-left arrow',
      'couple with heart: person, person, light skin tone, dark skin tone',
    ],
  },
  zh: {
    model: 'ViT-Ti-8@BERT-quickstart',
    out: 'runs/quickstart-zh',
    sentences: [
      '跑步者，较浅肤色',
      '女老师',
      '有络腮胡子的男人，中等-深肤色',
      '六点半',
      '左上箭头',
      '情侣，成人成人较浅肤色和较深肤色',
    ],
  },
}

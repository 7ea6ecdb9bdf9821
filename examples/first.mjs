// Which text fits the picture? Run: node examples/first.mjs, with a model in my-model and a picture cat.jpg
import { Clip, similarity } from 'clipwright'

const clip = await Clip.load('my-model')
const images = await clip.encodeImages(['cat.jpg'])
const texts = await clip.encodeTexts(['a photo of a cat', 'a photo of a dog'])
console.log(similarity(images, texts).data) // cosines, one row per picture
await clip.dispose()

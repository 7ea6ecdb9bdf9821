/** Captions to measure with, all different. */
import { drawing } from './draw.js'

const ENGLISH =
  'a the two some young old red blue small large wooden empty man woman child dog cat horse bird train bus street table plate kitchen beach park tree sky window standing sitting riding holding eating looking running next to in front of with and on near under at'.split(
    ' ',
  )
const CHINESE =
  '一个 两个 小 大 红色 蓝色 白色 黑色 年轻 男人 女人 孩子 狗 猫 马 鸟 火车 汽车 街道 桌子 盘子 厨房 海滩 公园 树 天空 窗户 的 在 和 上 旁边 前面 站着 坐着 骑着 拿着 看着 吃 跑 ， 。'.split(
    ' ',
  )

/** English ones of some ten words, or Chinese ones of some twenty characters. */
export function sampleTexts(language: 'en' | 'zh', count: number): string[] {
  const draw = drawing()
  const [words, between] = language === 'en' ? [ENGLISH, ' '] : [CHINESE, '']
  return Array.from({ length: count }, (_, i) => {
    const drawn = Array.from({ length: 8 + draw(5) }, () => words[draw(words.length)])
    return [...drawn, String(i)].join(between)
  })
}
